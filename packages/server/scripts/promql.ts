/**
 * What an expression of PromQL names: metrics and labels. Not a parser: enough to find a name that does not exist, in
 * expressions of our own; whether Prometheus accepts them is Prometheus' to say (promtool).
 */

export interface NamedInPromql {
  readonly metrics: readonly string[];
  /** With the metric that it selects; or, of `by` and its like, with none. */
  readonly labels: readonly { readonly name: string; readonly metric: string | undefined }[];
}

const keywords = new Set([
  'and',
  'or',
  'unless',
  'bool',
  'offset',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'inf',
  'nan',
]);

export function readPromql(expression: string): NamedInPromql {
  const labels: { name: string; metric: string | undefined }[] = [];
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')
    .replaceAll(/([A-Za-z_:][\w:]*)?\{([^}]*)\}/g, (_whole, metric: string | undefined, matchers: string) => {
      for (const [, name] of matchers.matchAll(/([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)/g))
        labels.push({ name: name!, metric });
      return metric ?? '';
    })
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(
      /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g,
      (_whole, names: string) => {
        for (const [name] of names.matchAll(/[A-Za-z_]\w*/g)) labels.push({ name, metric: undefined });
        return '';
      },
    );
  const metrics = [...bare.matchAll(/(?<![\w:$.])([A-Za-z_:][\w:]*)(\s*\()?/g)]
    .filter(([, name, call]) => call === undefined && !keywords.has(name!.toLowerCase()))
    .map(([, name]) => name!);
  return { metrics: [...new Set(metrics)], labels };
}
