import { describe, expect, it } from 'vitest';
import { parseArguments, parseServer, type ChatArguments } from './arguments.ts';

function parsed(...args: string[]): ChatArguments {
  const result = parseArguments(args);
  if (!result.ok) throw new Error(result.message);
  return result.value;
}

describe('the command line', () => {
  it('opens, creates and joins', () => {
    expect(parsed().action).toEqual({ kind: 'open', group: undefined });
    expect(parsed('Friends').action).toEqual({ kind: 'open', group: 'Friends' });
    expect(parsed('create', 'Old Friends').action).toEqual({ kind: 'create', group: 'Old Friends' });
    expect(parsed('join').action).toEqual({ kind: 'join', link: undefined });
    expect(parsed('--name', 'Ada', 'join', 'https://a.example/i#A.B')).toMatchObject({
      name: 'Ada',
      action: { kind: 'join', link: 'https://a.example/i#A.B' },
    });
  });

  it('takes a bare link for joining', () => {
    expect(parsed('https://a.example/i#A.B').action.kind).toBe('join');
  });

  it('refuses unknown options, too many words and useless servers', () => {
    for (const args of [
      ['--nmae=Ada'],
      ['create', 'Old', 'Friends'],
      ['Old', 'Friends'],
      ['--server', 'ftp://x'],
    ])
      expect(parseArguments(args).ok).toBe(false);
  });

  it('completes a server address', () => {
    expect(parseServer('chat.example')).toBe('https://chat.example');
    expect(parseServer('localhost:8008')).toBe('http://localhost:8008');
    expect(parseServer('http://10.0.0.2:8008/')).toBe('http://10.0.0.2:8008');
    expect(parseServer('https://ada:secret@chat.example')).toBeUndefined();
  });
});
