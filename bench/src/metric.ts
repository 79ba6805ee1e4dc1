/** The one form in which measurements are reported: the last line of every `--json` output. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** In words, such as "<= 30"; null where nothing is promised yet. */
  readonly target: string | null;
  /** null where there is no target. */
  readonly met: boolean | null;
}

export interface Report {
  readonly name: string;
  /** Everything ran and every target was met. */
  readonly ok: boolean;
  readonly metrics: readonly Metric[];
}

export function measured(name: string, value: number, unit: string): Metric {
  return { name, value: rounded(value), unit, target: null, met: null };
}

export function atMost(name: string, value: number, unit: string, limit: number): Metric {
  return { name, value: rounded(value), unit, target: `<= ${limit}`, met: value <= limit };
}

export function atLeast(name: string, value: number, unit: string, limit: number): Metric {
  return { name, value: rounded(value), unit, target: `>= ${limit}`, met: value >= limit };
}

export function reportOf(name: string, metrics: readonly Metric[]): Report {
  return { name, ok: metrics.every(({ met }) => met !== false), metrics };
}

/** Three significant digits: more would claim a precision that these machines do not have. */
export function rounded(value: number): number {
  return value === 0 || !Number.isFinite(value) ? value : Number(value.toPrecision(3));
}

/** A table for people. */
export function renderReport({ name, metrics }: Report): string {
  const width = Math.max(...metrics.map((metric) => metric.name.length));
  const lines = metrics.map(({ name, value, unit, target, met }) => {
    const verdict = target === null ? '' : `   target ${target}: ${met === true ? 'met' : 'MISSED'}`;
    return `  ${name.padEnd(width)}  ${String(value).padStart(9)} ${unit}${verdict}`;
  });
  return [`${name}:`, ...lines].join('\n');
}

/** The value below which the share `q` of the sorted sample lies; NaN for an empty one. */
export function percentile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
