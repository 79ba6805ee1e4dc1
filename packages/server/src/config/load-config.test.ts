import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { renderConfigProblems } from './config-problem.ts';
import { configSchema } from './config-schema.ts';
import { listSettings } from './config-settings.ts';
import { ConfigError, loadConfig, parseConfig } from './load-config.ts';
import { renderConfigReference, renderSampleConfig } from './render-config.ts';

const file = (text: string) => ({ name: 'conclave.yaml', text });

function problemsOf(sources: Parameters<typeof loadConfig>[0]) {
  const result = loadConfig(sources);
  return result.ok ? [] : result.problems;
}

describe('loading the configuration', () => {
  it('works without any', () => {
    const result = loadConfig({});
    expect(result).toMatchObject({
      ok: true,
      config: {
        dataDirectory: './data',
        listen: { host: 'localhost', port: 8008 },
        accounts: { registration: 'token' },
      },
    });
  });

  it('lets flags override the environment, and that the file', () => {
    const result = loadConfig({
      file: file('listen: {port: 1, host: a, maxJsonBytes: 2000}\nserverName: example.org'),
      environment: { CONCLAVE_LISTEN_PORT: '2', CONCLAVE_LISTEN_HOST: 'b', HOME: '/' },
      flags: [
        { key: 'listen.port', value: '3' },
        { key: 'listen.allowedOrigins', value: 'https://a.example, https://b.example' },
        { key: 'admin.enabled', value: 'false' },
      ],
    });
    expect(result).toMatchObject({
      ok: true,
      config: {
        serverName: 'example.org',
        listen: {
          port: 3,
          host: 'b',
          maxJsonBytes: 2000,
          allowedOrigins: ['https://a.example', 'https://b.example'],
        },
        admin: { enabled: false },
      },
    });
  });

  it('reports everything that is wrong at once, each with key, source and remedy', () => {
    const problems = problemsOf({
      file: file('listen:\n  prot: 1\ntransfers: {quotaBytes: 5, maxBytes: 10}\nlog: loud\n'),
      environment: { CONCLAVE_LISTEN_PORT: 'http', CONCLAVE_NONSENSE: '1' },
      flags: [
        { key: 'admin.enabled', value: 'yes' },
        { key: 'publicUrl', value: 'https://user:pass@example.org/path' },
      ],
    });
    expect(problems.map(({ key, source }) => [key, source])).toEqual([
      ['listen.prot', 'conclave.yaml'],
      ['log', 'conclave.yaml'],
      ['CONCLAVE_NONSENSE', 'environment'],
      ['--publicUrl', 'command line'],
      ['CONCLAVE_LISTEN_PORT', 'environment'],
      ['--admin.enabled', 'command line'],
      ['transfers.quotaBytes', 'conclave.yaml'],
    ]);
    const text = renderConfigProblems(problems);
    expect(text).toContain('The configuration has 7 problems');
    expect(text).toContain('Did you mean port?');
    expect(text).toContain('Give an integer from 0 to 65535 (the default is 8008).');
    expect(text).not.toContain('user:pass');
  });

  it('withholds the value of a key it does not know, and quotes nothing of a broken file', () => {
    const secret = 'hunter2-hunter2';
    const shown = JSON.stringify([
      problemsOf({ file: file(`password: ${secret}`) }),
      problemsOf({ environment: { CONCLAVE_PASSWORD: secret } }),
      problemsOf({ file: file(`a: [${secret}`) }),
      problemsOf({ file: file(`a: ${secret}\na: ${secret}`) }),
    ]);
    expect(shown.match(/"remedy"/g)).toHaveLength(4);
    expect(shown).not.toContain(secret);
  });

  it('leaves the variables of the other programs alone', () => {
    const environment = { CONCLAVE_CONFIG: 'x', CONCLAVE_CHAT_STORE: 'x', CONCLAVE_TEST_LONG: '1' };
    expect(loadConfig({ environment }).ok).toBe(true);
  });

  it('refuses origins with more than an origin, and proxies that are not addresses', () => {
    for (const publicUrl of [
      'example.org',
      'ftp://example.org',
      'https://example.org/x',
      'https://a@example.org',
    ]) {
      expect(() => parseConfig({ publicUrl })).toThrow(ConfigError);
    }
    expect(() => parseConfig({ listen: { trustedProxies: ['my-proxy'] } })).toThrow(ConfigError);
    expect(
      parseConfig({ listen: { trustedProxies: ['10.0.0.0/8', '::1'] } }).listen.trustedProxies,
    ).toHaveLength(2);
  });

  it('refuses values at and beyond every bound of every number', () => {
    for (const setting of listSettings().filter(({ kind }) => kind === 'number')) {
      const [, min, max] = /from (-?\d+) to (\d+)/.exec(setting.accepts) ?? [];
      const accepts = (value: number) => setting.schema.safeParse(value).success;
      expect([setting.key, accepts(Number(min)), accepts(Number(max))]).toEqual([setting.key, true, true]);
      expect([accepts(Number(min) - 1), accepts(Number(max) + 1)]).toEqual([false, false]);
      expect(accepts(Number(min) + 0.5)).toBe(!setting.accepts.startsWith('an integer'));
    }
  });
});

describe('what is generated from the schema', () => {
  it('describes every setting', () => {
    expect(listSettings().filter(({ description }) => description === '')).toEqual([]);
    expect(new Set(listSettings().map(({ variable }) => variable)).size).toBe(listSettings().length);
  });

  it('has a sample that, uncommented, is the default configuration', () => {
    const uncommented = renderSampleConfig()
      .split('\n')
      .map((line) => line.replace(/^# ( *[A-Za-z]+:(?: |$))/, '$1'))
      .join('\n');
    expect(parse(uncommented)).toEqual(configSchema.parse({}));
    const loaded = loadConfig({ file: file(uncommented) });
    expect(loaded).toEqual({ ok: true, config: configSchema.parse({}) });
    expect(loadConfig({ file: file(renderSampleConfig()) }).ok).toBe(true);
  });

  it('has a reference that is docs/configuration.md', () => {
    const committed = readFileSync(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8');
    expect(committed).toBe(renderConfigReference());
  });
});
