/**
 * Puts counters into JavaScript: every function, branch, loop body, case and right side of `&&`, `||`, `??` counts how often
 * it ran, and comparisons report the two values that they compared (operands.ts). Text is only inserted, on the same lines, so
 * that line numbers in stack traces stay those of the source.
 *
 *     if (a === 7) f();   ──▶   if (__fuzzCompare.eq(a , 7)) {__fuzzHits[4]++;f();}else{__fuzzHits[5]++;}
 *
 * The counters are properties of the global object, because a module's own constants do not exist yet when another module of a
 * cycle calls its functions.
 */
import type { AnyNode, Node } from 'acorn';
import { parse } from 'acorn';

export interface Instrumented {
  readonly code: string;
  /** Counters used, from the first on. */
  readonly counters: number;
  /** Strings and whole numbers that stand in the source: what a decoder compares with. */
  readonly literals: readonly (string | number)[];
}

const comparisons: Readonly<Record<string, string>> = {
  '===': 'eq',
  '!==': 'ne',
  '<': 'lt',
  '<=': 'le',
  '>': 'gt',
  '>=': 'ge',
};

interface Insertion {
  readonly at: number;
  readonly text: string;
  /** Characters of the source that the text replaces. */
  readonly replaces: number;
}

/** `firstCounter` is the index of the first free counter. Throws SyntaxError for what is not an ES module. */
export function instrument(source: string, firstCounter: number): Instrumented {
  const program = parse(source, { ecmaVersion: 'latest', sourceType: 'module' });
  const literals = new Set<string | number>();
  const openings: Insertion[] = [];
  const closings: Insertion[] = [];
  let next = firstCounter;
  const count = () => `__fuzzHits[${next++}]++`;
  const open = (at: number, text: string, replaces = 0) => openings.push({ at, text, replaces });
  const close = (at: number, text: string) => closings.push({ at, text, replaces: 0 });

  /** An expression that counts before its value. */
  const countExpression = (node: Node): (() => void) => {
    open(node.start, `(${count()},`);
    return () => close(node.end, ')');
  };
  /** A statement that counts first; one that is no block becomes one. */
  const countStatement = (node: Node): (() => void) => {
    if (node.type === 'BlockStatement') {
      open(node.start + 1, `${count()};`);
      return () => {};
    }
    open(node.start, `{${count()};`);
    return () => close(node.end, '}');
  };
  const compare = (node: AnyNode & { type: 'BinaryExpression' }): (() => void) => {
    const name = comparisons[node.operator];
    const between = source.slice(node.left.end, node.right.start);
    const isPlain = !between.includes('/') && !isTrivial(node.left) && !isTrivial(node.right);
    if (name === undefined || !isPlain) return () => {};
    open(node.start, `__fuzzCompare.${name}(`);
    // Pushed as a closing: it stands behind the left side and whatever was inserted at its end.
    return () => {
      closings.push({
        at: node.left.end + between.indexOf(node.operator),
        text: ',',
        replaces: node.operator.length,
      });
      close(node.end, ')');
    };
  };

  const visit = (node: AnyNode, isLoopTest = false): void => {
    const finish: (() => void)[] = [];
    const before = new Map<Node, () => () => void>();
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- most kinds of nodes have no branches
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'FunctionExpression':
        before.set(node.body, () => countStatement(node.body));
        break;
      case 'ArrowFunctionExpression':
        before.set(node.body, () =>
          node.expression ? countExpression(node.body) : countStatement(node.body),
        );
        break;
      case 'IfStatement':
        before.set(node.consequent, () => countStatement(node.consequent));
        if (node.alternate) before.set(node.alternate, () => countStatement(node.alternate!));
        else finish.push(() => close(node.end, `else{${count()};}`));
        break;
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
        before.set(node.body, () => countStatement(node.body));
        break;
      case 'SwitchCase':
        if (node.consequent[0]) open(node.consequent[0].start, `${count()};`);
        break;
      case 'CatchClause':
        before.set(node.body, () => countStatement(node.body));
        break;
      case 'ConditionalExpression':
        before.set(node.consequent, () => countExpression(node.consequent));
        before.set(node.alternate, () => countExpression(node.alternate));
        break;
      case 'LogicalExpression':
        before.set(node.right, () => countExpression(node.right));
        break;
      case 'BinaryExpression':
        if (!isLoopTest) finish.push(compare(node));
        break;
      case 'Literal':
        if (typeof node.value === 'string' && node.value.length > 0 && node.value.length <= 32)
          literals.add(node.value);
        if (typeof node.value === 'number' && Number.isSafeInteger(node.value)) literals.add(node.value);
        break;
      default:
    }
    for (const child of childrenOf(node)) {
      const after = before.get(child)?.();
      visit(child, node.type === 'ForStatement' && child === node.test);
      after?.();
    }
    for (const each of finish) each();
  };
  visit(program);
  return { code: apply(source, closings, openings), counters: next - firstCounter, literals: [...literals] };
}

/** Comparing with these says nothing that a mutation could use. */
function isTrivial(node: AnyNode): boolean {
  if (node.type === 'Identifier') return node.name === 'undefined';
  if (node.type === 'Literal') return node.value === null || typeof node.value === 'boolean';
  return node.type === 'UnaryExpression' && node.operator === 'typeof';
}

function childrenOf(node: AnyNode): AnyNode[] {
  // The source of an import is a string that must stay one, and names of imports are no expressions.
  if (/^(Import|ExportAll)/.test(node.type) && node.type !== 'ImportExpression') return [];
  return Object.entries(node)
    .filter(([name]) => !(node.type === 'ExportNamedDeclaration' && name === 'source'))
    .flatMap(([, value]: [string, unknown]) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter(isNode)
    .sort((a, b) => a.start - b.start);
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** At one place closings stand before openings; among themselves both keep the order in which they were made. */
function apply(source: string, closings: readonly Insertion[], openings: readonly Insertion[]): string {
  const insertions = [...closings, ...openings].sort((a, b) => a.at - b.at);
  let code = '';
  let at = 0;
  for (const insertion of insertions) {
    code += source.slice(at, insertion.at) + insertion.text;
    at = insertion.at + insertion.replaces;
  }
  return code + source.slice(at);
}
