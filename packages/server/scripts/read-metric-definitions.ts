/**
 * Every metric of the program, read from the calls that make them. There is no second list to be kept in step: the definition
 * stands where the value is known, and the table (docs/metrics.md), dashboards and alerts are checked against what this finds.
 *
 *     every packages/NAME/src file ─▶ types stripped ─▶ syntax tree ─▶ metrics.counter('name', 'help', ['label']) ─▶ definition
 *
 * It holds because there is no other way to make a metric: names, help texts and labels that are not literals, and uses of
 * prom-client outside of metrics.ts, are errors here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, type AnyNode, type Expression, type SpreadElement } from 'acorn';

export type MetricKind = 'counter' | 'gauge' | 'histogram';

export interface MetricDefinition {
  /** With the prefix of the program. */
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  readonly labels: readonly string[];
  /** Where it is made, from the root of the repository; several if adapters of one port share it. */
  readonly files: readonly string[];
}

const prefix = 'conclave_';
const repository = fileURLToPath(new URL('../../../', import.meta.url));
/** The only file that may use prom-client. */
const wrapper = 'packages/platform/src/metrics/metrics.ts';

/** For each method of `Metrics`: what it makes, and which argument has the labels. */
const methods: Readonly<
  Record<string, { readonly kind: MetricKind; readonly labelsAt: number | undefined }>
> = {
  counter: { kind: 'counter', labelsAt: 2 },
  gauge: { kind: 'gauge', labelsAt: 2 },
  observe: { kind: 'gauge', labelsAt: undefined },
  observeEach: { kind: 'gauge', labelsAt: 2 },
  histogram: { kind: 'histogram', labelsAt: 3 },
};

/** In the order of their files, then of their lines. Throws for what it cannot read, with file and line. */
export function readMetricDefinitions(): MetricDefinition[] {
  const byName = new Map<string, MetricDefinition>();
  for (const file of sourceFiles()) {
    for (const found of definitionsIn(file, readFileSync(join(repository, file), 'utf8'))) {
      const known = byName.get(found.name);
      if (known !== undefined) requireSame(known, found);
      byName.set(found.name, { ...found, files: [...new Set([...(known?.files ?? []), file])] });
    }
  }
  return [...byName.values()];
}

/** Those of one file; exported for its test. */
export function definitionsIn(file: string, source: string): Omit<MetricDefinition, 'files'>[] {
  // Most files make none, and parsing is most of the time.
  if (!source.includes('etrics') && !source.includes('prom-client')) return [];
  const text = stripTypeScriptTypes(source);
  const found: Omit<MetricDefinition, 'files'>[] = [];
  const program = parse(text, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  visit(program, (node) => {
    const where = `${file}:${node.loc?.start.line}`;
    if (node.type === 'ImportDeclaration' && node.source.value === 'prom-client' && file !== wrapper) {
      const isTypeOnly = node.specifiers.length === 0;
      if (!isTypeOnly) throw new Error(`${where}: metrics are made by Metrics, not by prom-client itself`);
    }
    if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return;
    const { object, property } = node.callee;
    if (property.type !== 'Identifier' || !Object.hasOwn(methods, property.name) || !isMetrics(object))
      return;
    // A port of another shape that is called `metrics` too, such as that of a proof lane.
    if (property.name === 'observe' && node.arguments.length < 3) return;
    const { kind, labelsAt } = methods[property.name]!;
    const [name, help] = node.arguments;
    const shortName = textOf(name);
    if (shortName === undefined) throw new Error(`${where}: the name of a metric must be a literal`);
    const helpText = textOf(help);
    if (helpText === undefined) throw new Error(`${where}: the help text of ${shortName} must be a literal`);
    const labels = labelsAt === undefined ? [] : labelsOf(node.arguments[labelsAt]);
    if (labels === undefined) throw new Error(`${where}: the labels of ${shortName} must be literals`);
    found.push({ name: prefix + shortName, kind, help: helpText, labels });
  });
  return found;
}

function sourceFiles(): string[] {
  const roots = readdirSync(join(repository, 'packages')).map((name) =>
    join(repository, 'packages', name, 'src'),
  );
  return roots
    .flatMap((root) => filesBelow(root))
    .map((file) => relative(repository, file).split(sep).join('/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .toSorted();
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** `metrics`, `deps.metrics`, `deps.metrics?`, `this.#metrics`. */
function isMetrics(node: Expression | { readonly type: string }): boolean {
  const expression = node as Expression;
  if (expression.type === 'Identifier') return expression.name === 'metrics';
  if (expression.type !== 'MemberExpression') return false;
  const { property } = expression;
  return (
    (property.type === 'Identifier' || property.type === 'PrivateIdentifier') && property.name === 'metrics'
  );
}

/** Of a literal, or of literals that are added. */
function textOf(node: Expression | SpreadElement | undefined): string | undefined {
  if (node?.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined;
  if (node?.type !== 'BinaryExpression' || node.operator !== '+' || node.left.type === 'PrivateIdentifier')
    return undefined;
  const [left, right] = [textOf(node.left), textOf(node.right)];
  return left === undefined || right === undefined ? undefined : left + right;
}

function labelsOf(node: Expression | SpreadElement | undefined): string[] | undefined {
  if (node === undefined) return [];
  if (node.type !== 'ArrayExpression') return undefined;
  const labels = node.elements.map((element) => textOf(element ?? undefined));
  return labels.every((label) => label !== undefined) ? labels : undefined;
}

function requireSame(known: MetricDefinition, found: Omit<MetricDefinition, 'files'>): void {
  const shapes = [known, found].map(({ kind, help, labels }) => JSON.stringify([kind, help, labels]));
  if (shapes[0] !== shapes[1])
    throw new Error(
      `${found.name} is made twice and differs:\n  ${shapes[0]} (${known.files.join()})\n  ${shapes[1]}`,
    );
}

/** Every node below `root`, itself included. */
function visit(root: AnyNode, see: (node: AnyNode) => void): void {
  see(root);
  for (const value of Object.values(root) as unknown[]) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (typeof child === 'object' && child !== null && 'type' in child) visit(child as AnyNode, see);
    }
  }
}
