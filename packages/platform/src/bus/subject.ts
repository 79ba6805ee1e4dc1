/** NATS subjects and patterns (https://docs.nats.io/nats-concepts/subjects), by which every bus routes. */

/** The longest subject or pattern, in UTF-16 units. */
const MAX_LENGTH = 512;

export function isSubject(text: string): boolean {
  return isDotted(text) && !/[*>]/.test(text);
}

export function isSubjectPattern(text: string): boolean {
  if (!isDotted(text)) return false;
  const tokens = text.split('.');
  return tokens.every((token, index) => {
    if (token === '*') return true;
    if (token === '>') return index === tokens.length - 1;
    return !/[*>]/.test(token);
  });
}

/** Tokens without white space or control characters, none empty. */
function isDotted(text: string): boolean {
  return text.length <= MAX_LENGTH && /^[^\s.\p{Cc}]+(?:\.[^\s.\p{Cc}]+)*$/u.test(text);
}

/** The subscriptions whose pattern matches a subject, found in time of the subject's length, not of their number. */
export class SubjectIndex<T> {
  readonly #root: Node<T> = createNode();

  /** @param pattern must satisfy {@link isSubjectPattern}. */
  add(pattern: string, value: T): void {
    let node = this.#root;
    for (const token of pattern.split('.')) {
      let child = node.children.get(token);
      if (child === undefined) node.children.set(token, (child = createNode()));
      node = child;
    }
    node.values.add(value);
  }

  /** Removes what `add` added; nodes that hold nothing any more go with it. */
  delete(pattern: string, value: T): void {
    const path: [Node<T>, string][] = [];
    let node = this.#root;
    for (const token of pattern.split('.')) {
      const child = node.children.get(token);
      if (child === undefined) return;
      path.push([node, token]);
      node = child;
    }
    node.values.delete(value);
    for (const [parent, token] of path.reverse()) {
      const child = parent.children.get(token)!;
      if (child.values.size > 0 || child.children.size > 0) return;
      parent.children.delete(token);
    }
  }

  /** @param subject must satisfy {@link isSubject}. */
  match(subject: string): T[] {
    const found: T[] = [];
    collect(this.#root, subject.split('.'), 0, found);
    return found;
  }
}

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  readonly values: Set<T>;
}

function createNode<T>(): Node<T> {
  return { children: new Map(), values: new Set() };
}

function collect<T>(node: Node<T>, tokens: readonly string[], depth: number, found: T[]): void {
  const token = tokens[depth];
  if (token === undefined) {
    found.push(...node.values);
    return;
  }
  const rest = node.children.get('>');
  if (rest !== undefined) found.push(...rest.values);
  const any = node.children.get('*');
  if (any !== undefined) collect(any, tokens, depth + 1, found);
  const exact = node.children.get(token);
  if (exact !== undefined) collect(exact, tokens, depth + 1, found);
}
