/** What is wrong with a configuration, in a form that can be shown whole. Values are redacted here, once. */

export interface ConfigProblem {
  /** The key as the operator wrote it: `listen.port`, `CONCLAVE_LISTEN_PORT`, `--listen.port`, or a file name. */
  readonly key: string;
  /** Where the value came from. */
  readonly source: string;
  /** The offending value, shortened; absent when it could be a secret (a key that we do not know). */
  readonly value?: string;
  readonly problem: string;
  readonly remedy: string;
}

const maxShownLength = 60;

/** A value for an error message: shortened, and without the credentials that a URL may carry. */
export function redactValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  const withoutCredentials = text.replace(/\/\/[^/@\s"]*@/g, '//[redacted]@');
  return withoutCredentials.length > maxShownLength
    ? `${withoutCredentials.slice(0, maxShownLength)}…`
    : withoutCredentials;
}

/** All problems together, one paragraph each. */
export function renderConfigProblems(problems: readonly ConfigProblem[]): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const paragraphs = problems.map(({ key, source, value, problem, remedy }) => {
    const shown = value === undefined ? '' : ` = ${value}`;
    return `  ${key}${shown} (${source})\n    ${problem}\n    Remedy: ${remedy}`;
  });
  return `The configuration has ${count}:\n\n${paragraphs.join('\n\n')}\n`;
}
