/**
 * From the four sources to one typed configuration, or to all problems together (house style 26).
 *
 *     defaults  <  YAML file  <  environment CONCLAVE_*  <  flags --key=value
 *
 * Pure: the caller reads the file and hands over the environment and the flags. Unknown keys and bad values are
 * problems wherever they come from; nothing falls back to a default silently.
 */
import { parseDocument } from 'yaml';
import { configSchema, roleNames, type Config, type ConfigInput } from './config-schema.ts';
import { redactValue, type ConfigProblem } from './config-problem.ts';
import { describeSettings, isSection, listSettings, type Section, type Setting } from './config-settings.ts';

export interface ConfigSources {
  /** The configuration file, if there is one. */
  readonly file?: { readonly name: string; readonly text: string };
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `key=value` pairs from the command line, without the leading dashes. */
  readonly flags?: readonly { readonly key: string; readonly value: string }[];
}

export type LoadConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Names the configuration file; read by the process wrapper, not a setting. */
export const configFileVariable = 'CONCLAVE_CONFIG';
/** Variables with these prefixes belong to the other programs of this repository. */
const foreignPrefixes = ['CONCLAVE_CHROMIUM', 'CONCLAVE_CHAT_', 'CONCLAVE_DEMO_', 'CONCLAVE_TEST_'];

interface Given {
  readonly value: unknown;
  readonly key: string;
  readonly source: string;
}

export function loadConfig(sources: ConfigSources): LoadConfigResult {
  const root = describeSettings();
  const settings = listSettings(root);
  const problems: ConfigProblem[] = [];
  const givenByKey = new Map<string, Given>();

  readFile(sources.file, root, givenByKey, problems);
  readEnvironment(sources.environment ?? {}, settings, givenByKey, problems);
  readFlags(sources.flags ?? [], settings, givenByKey, problems);

  const input = {};
  for (const setting of settings) {
    const given = givenByKey.get(setting.key);
    if (given === undefined) continue;
    const parsed = setting.schema.safeParse(given.value);
    if (parsed.success) {
      place(input, setting.path, given.value);
    } else {
      problems.push({
        key: given.key,
        source: given.source,
        value: redactValue(given.value),
        problem: parsed.error.issues.map((issue) => issue.message).join('; '),
        remedy: `Give ${setting.accepts} (the default is ${JSON.stringify(setting.defaultValue)}).`,
      });
    }
  }
  // Settings with problems have their defaults here, so that rules across settings are reported too.
  const config = configSchema.parse(input);
  problems.push(...crossChecks(config, givenByKey));
  return problems.length === 0 ? { ok: true, config } : { ok: false, problems };
}

/** For callers in the same process (tests, the demo): the same schema, an exception with every problem. */
export function parseConfig(input: ConfigInput): Config {
  const result = loadConfig({ file: { name: 'the given object', text: JSON.stringify(input) } });
  if (result.ok) return result.config;
  throw new ConfigError(result.problems);
}

export class ConfigError extends Error {
  readonly code = 'CONCLAVE_BAD_CONFIG';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ key, problem }) => `${key}: ${problem}`).join('; '));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

function readFile(
  file: ConfigSources['file'],
  root: Section,
  givenByKey: Map<string, Given>,
  problems: ConfigProblem[],
): void {
  if (file === undefined) return;
  const document = parseDocument(file.text);
  if (document.errors.length > 0) {
    for (const error of document.errors) {
      const line = error.linePos?.[0].line;
      problems.push({
        key: line === undefined ? file.name : `${file.name}, line ${line}`,
        source: 'file',
        // The parser's text quotes the file, which may hold anything; its code does not.
        problem: `the file is not valid YAML (${error.code})`,
        remedy: 'Correct the line, or start again from `conclave config sample`.',
      });
    }
    return;
  }
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  if (value === null || value === undefined) return;
  readSection(value, root, file.name, givenByKey, problems);
}

function readSection(
  value: unknown,
  section: Section,
  source: string,
  givenByKey: Map<string, Given>,
  problems: ConfigProblem[],
): void {
  const at = section.path.join('.');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push({
      key: at === '' ? source : at,
      source,
      problem: 'expected a section with keys',
      remedy: `Give keys below it: ${section.entries.map((entry) => entry.path.at(-1)).join(', ')}.`,
    });
    return;
  }
  const entryByName = new Map(section.entries.map((entry) => [entry.path.at(-1) ?? '', entry]));
  for (const [name, child] of Object.entries(value)) {
    const entry = entryByName.get(name);
    const key = at === '' ? name : `${at}.${name}`;
    if (entry === undefined) {
      problems.push(unknownKey(key, source, [...entryByName.keys()], name));
    } else if (isSection(entry)) {
      readSection(child, entry, source, givenByKey, problems);
    } else {
      givenByKey.set(entry.key, { value: child, key, source });
    }
  }
}

function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  settings: readonly Setting[],
  givenByKey: Map<string, Given>,
  problems: ConfigProblem[],
): void {
  const settingByVariable = new Map(settings.map((setting) => [setting.variable, setting]));
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('CONCLAVE_') || name === configFileVariable || text === undefined) continue;
    if (foreignPrefixes.some((prefix) => name.startsWith(prefix))) continue;
    const setting = settingByVariable.get(name);
    if (setting === undefined) {
      problems.push(unknownKey(name, 'environment', [...settingByVariable.keys()], name));
    } else {
      givenByKey.set(setting.key, { value: fromText(text, setting), key: name, source: 'environment' });
    }
  }
}

function readFlags(
  flags: NonNullable<ConfigSources['flags']>,
  settings: readonly Setting[],
  givenByKey: Map<string, Given>,
  problems: ConfigProblem[],
): void {
  const settingByKey = new Map(settings.map((setting) => [setting.key, setting]));
  for (const { key, value } of flags) {
    const setting = settingByKey.get(key);
    if (setting === undefined) {
      problems.push(unknownKey(`--${key}`, 'command line', [...settingByKey.keys()], key));
    } else {
      givenByKey.set(key, { value: fromText(value, setting), key: `--${key}`, source: 'command line' });
    }
  }
}

/** Text that does not fit stays text, so that the schema refuses it with the setting's own remedy. */
function fromText(text: string, setting: Setting): unknown {
  if (text === 'null') return null;
  if (setting.kind === 'number') return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(text) ? Number(text) : text;
  if (setting.kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (setting.kind === 'list') return text === '' ? [] : text.split(',').map((part) => part.trim());
  return text;
}

/** The value is withheld: behind a key that we do not know there may be a secret. */
function unknownKey(key: string, source: string, known: readonly string[], name: string): ConfigProblem {
  const nearest = nearestOf(name, known);
  return {
    key,
    source,
    problem: 'there is no such setting',
    remedy:
      nearest === undefined
        ? 'Remove it; docs/configuration.md lists every setting.'
        : `Did you mean ${nearest}? Otherwise remove it; docs/configuration.md lists every setting.`,
  };
}

function nearestOf(name: string, known: readonly string[]): string | undefined {
  const scored = known.map((candidate) => ({
    candidate,
    distance: editDistance(name.toLowerCase(), candidate.toLowerCase()),
  }));
  const best = scored.sort((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= Math.max(2, name.length / 4) ? best.candidate : undefined;
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Rules that tie several settings together. */
function crossChecks(config: Config, givenByKey: ReadonlyMap<string, Given>): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const report = (key: string, value: unknown, problem: string, remedy: string) => {
    const given = givenByKey.get(key);
    problems.push({
      key: given?.key ?? key,
      source: given?.source ?? 'default',
      value: redactValue(value),
      problem,
      remedy,
    });
  };
  const { transfers, accounts, listen, admin } = config;
  for (const [key, isChosen, missing] of neededBy(config)) {
    if (isChosen && missing) {
      report(key, null, 'is needed by the engine that is chosen', 'Set it, or choose the embedded engine.');
    }
  }
  if (config.store.engine === 'sqlite' && config.roles.length < roleNames.length) {
    report(
      'roles',
      config.roles,
      'leaves work undone that no other process can do, since the database is in this one',
      `Give all of them (${roleNames.join(', ')}), or use store.engine postgres.`,
    );
  }
  if (config.blobs.previous === config.blobs.engine) {
    report(
      'blobs.previous',
      config.blobs.previous,
      'is where attachments are kept',
      'Remove it, or set blobs.engine to where they are to be moved.',
    );
  }
  if (transfers.defaultTtlMs > transfers.maxTtlMs) {
    report(
      'transfers.defaultTtlMs',
      transfers.defaultTtlMs,
      'is longer than transfers.maxTtlMs',
      `Give at most ${transfers.maxTtlMs}, or raise transfers.maxTtlMs.`,
    );
  }
  if (transfers.quotaBytes < transfers.maxBytes) {
    report(
      'transfers.quotaBytes',
      transfers.quotaBytes,
      'is less than one transfer of transfers.maxBytes',
      `Give at least ${transfers.maxBytes}, or lower transfers.maxBytes.`,
    );
  }
  if (accounts.refreshTokenLifetimeMs < accounts.accessTokenLifetimeMs) {
    report(
      'accounts.refreshTokenLifetimeMs',
      accounts.refreshTokenLifetimeMs,
      'is shorter than accounts.accessTokenLifetimeMs',
      `Give at least ${accounts.accessTokenLifetimeMs}.`,
    );
  }
  if (admin.enabled && admin.port !== 0 && admin.port === listen.port) {
    report('admin.port', admin.port, 'is also listen.port', 'Give the two listeners different ports.');
  }
  return problems;
}

/** Settings without which an engine cannot work: whether the engine is chosen, and whether the setting is missing. */
function neededBy({
  store,
  bus,
  blobs,
  gateway,
}: Config): readonly (readonly [key: string, isChosen: boolean, isMissing: boolean])[] {
  const usesS3 = blobs.engine === 's3';
  return [
    ['store.url', store.engine === 'postgres', store.url === null],
    ['bus.url', bus.engine === 'nats', bus.url === null],
    ['bus.engine', gateway.engine === 'centrifugo', bus.engine !== 'nats'],
    ['gateway.publicUrl', gateway.engine === 'centrifugo', gateway.publicUrl === null],
    ['blobs.bucket', usesS3, blobs.bucket === null],
    ['blobs.accessKeyId', usesS3, blobs.accessKeyId === null],
    ['blobs.secretAccessKeyFile', usesS3, blobs.secretAccessKeyFile === null],
  ];
}

function place(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const child = (target[name] ??= {}) as Record<string, unknown>;
  place(child, rest, value);
}
