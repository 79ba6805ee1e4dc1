import { ConclaveError } from '@conclave/sdk';
import { describe, expect, it } from 'vitest';
import { ChatError } from './chat-error.ts';
import { explainError } from './explain-error.ts';

describe('errors in words', () => {
  it('says what to do, with the stable code at the end', () => {
    expect(explainError(new ConclaveError('INVITE_EXPIRED', 'x'))).toBe(
      'This invite has expired. Ask for a new one. [INVITE_EXPIRED]',
    );
    expect(explainError(new ConclaveError('M_LIMIT_EXCEEDED', 'x', { retryAfterMs: 2_100 }))).toMatch(
      /Wait 3 s\./,
    );
    expect(explainError(new ChatError('CHAT_USAGE', 'Whom? /remove NAME'))).toBe(
      'Whom? /remove NAME. [CHAT_USAGE]',
    );
  });

  it('lets no control characters of a server through', () => {
    expect(explainError(new ConclaveError('X_\u001b[2J', 'a\u001b[31mb\nc'))).toBe('a·[31mb c. [X_·[2J]');
  });

  it('puts the system’s errors into words, and has no stack for bugs', () => {
    const missing = Object.assign(new Error('x'), { code: 'ENOENT', path: '/nowhere' });
    expect(explainError(missing)).toBe('There is no such file or folder: /nowhere. [ENOENT]');
    expect(explainError(new TypeError('oops'))).toBe('Something unexpected happened: oops [BUG]');
  });
});
