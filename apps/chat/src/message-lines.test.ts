import { expect, test } from 'vitest';
import { previewLine } from './message-lines.ts';
import { createStyles } from './styles.ts';
import { PassThrough } from 'node:stream';

const styles = createStyles(new PassThrough());
const message = { id: 'x', author: 'unverified', leaf: 3, sentAtMs: 0 } as const;

test('a message that was read while joining stands there without a name, and made safe', () => {
  const line = previewLine(
    { ...message, content: { kind: 'text', text: 'hello\u001B[2J\nworld\n' } },
    styles,
  );
  expect(line).toMatch(/^\d\d:\d\d \(not verified yet\): hello.*\n {6}world$/);
  expect(line).not.toContain('\u001B');
});

test('what it holds cannot be fetched yet', () => {
  const content = { kind: 'application', type: 'vote', bytes: new Uint8Array(1) } as const;
  expect(previewLine({ ...message, content }, styles)).toContain('[vote: a message');
});
