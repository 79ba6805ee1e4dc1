import { describe, expect, test } from 'vitest';
import { createLog } from './create-log.ts';
import { isSecretName } from './redact-fields.ts';

function capture() {
  let text = '';
  const log = createLog({ level: 'info', destination: { write: (line) => void (text += line) } });
  const lines = () =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, lines, text: () => text };
}

describe('the log', () => {
  test('writes one JSON object per line, with time and level and without pid and host name', () => {
    const { log, lines } = capture();
    log.info({ applied: 2 }, 'database schema brought up to date');
    log.debug({}, 'not written at this level');
    expect(lines()).toEqual([
      { level: 'info', time: expect.any(String), applied: 2, msg: 'database schema brought up to date' },
    ]);
  });

  test('replaces secrets by name at any depth, in arrays, and bound to child loggers', () => {
    const { log, text } = capture();
    const secret = 'hunter2-hunter2';
    log.info(
      {
        password: secret,
        req: { headers: { Authorization: `Bearer ${secret}`, 'set-cookie': secret } },
        deep: { a: { b: { c: [{ refresh_token: secret }] } } },
        read_token: secret,
        clientSecret: secret,
        inviteUrl: `https://example.org/#${secret}`,
        token: { nested: secret },
      },
      'message',
    );
    log.child({ token: secret, accessToken: secret }).info('message');
    expect(text()).not.toContain(secret);
    expect(text()).toContain('[redacted]');
  });

  test('keeps what only resembles a secret', () => {
    for (const name of ['tokenCount', 'groupId', 'seq', 'secretsRotatedMs', 'passwordless']) {
      expect({ name, secret: isSecretName(name) }).toEqual({ name, secret: false });
    }
  });

  test('writes errors with code and causes, and nothing else that hangs on them', () => {
    const { log, lines, text } = capture();
    const cause = Object.assign(new TypeError('inner'), { code: 'INNER', parameters: ['hunter2'] });
    const error = Object.assign(new Error('outer', { cause }), {
      code: 'OUTER',
      request: { body: 'hunter2' },
    });
    log.error({ err: error, nested: { failure: error } }, 'failed');
    log.error(error, 'failed');
    for (const line of lines()) {
      expect(line.err).toMatchObject({
        code: 'OUTER',
        message: 'outer',
        cause: { code: 'INNER', type: 'TypeError' },
      });
    }
    expect(lines()[0]!.nested).toMatchObject({ failure: { code: 'OUTER' } });
    expect(text()).not.toContain('hunter2');
  });

  test('writes thrown values that are no errors, byte strings and endless objects by their kind only', () => {
    const { log, lines } = capture();
    const endless: Record<string, unknown> = {};
    endless['self'] = endless;
    log.info({ body: new Uint8Array(500), endless }, 'message');
    expect(lines()[0]).toMatchObject({ body: '[500 bytes]' });
    expect(JSON.stringify(lines()[0])).toContain('[too deep]');
  });
});
