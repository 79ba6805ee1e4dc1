/** Mutations that keep JSON well-formed: hardly any change of single octets does, and then only values are left to check. */
import type { MutationSources } from './byte-mutations.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const values: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  2 ** 53,
  1e300,
  '',
  'x',
  [],
  {},
  [[]],
  { a: {} },
];
const texts = ['\ud83e', '\u0000', '\n', '"', '__proto__', 'x'.repeat(256), 'é', '\u202e', '=', '-'];

/** One change of one value; octets that are no JSON stay as they are. Lines are documents of their own. */
export function mutateJson(bytes: Uint8Array, sources: MutationSources): Uint8Array {
  const lines = Buffer.from(bytes).toString().split('\n');
  const at = sources.random.below(lines.length);
  try {
    lines[at] = JSON.stringify(mutateValue(JSON.parse(lines[at]!) as Json, sources, 0));
  } catch {
    // Not JSON any more after other mutations: there is nothing here to change.
    return bytes;
  }
  return Uint8Array.from(Buffer.from(lines.join('\n')));
}

function mutateValue(value: Json, sources: MutationSources, depth: number): Json {
  const { random } = sources;
  if (typeof value === 'object' && value !== null && depth < 16 && !random.oneIn(6)) {
    const entries: [string, Json][] = Object.entries(value);
    if (entries.length > 0) {
      const place = random.below(entries.length);
      const [name, inner] = entries[place]!;
      if (random.oneIn(6)) entries.splice(place, 1);
      else if (random.oneIn(8)) entries.splice(place, 0, [random.pick(texts), inner]);
      else entries[place] = [name, mutateValue(inner, sources, depth + 1)];
      return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
    }
  }
  if (typeof value === 'string' && !random.oneIn(4)) {
    const at = random.below(value.length + 1);
    return value.slice(0, at) + random.pick(texts) + value.slice(at + random.below(2));
  }
  if (typeof value === 'number' && random.oneIn(2)) return value + random.pick([-1, 1, 0.5]);
  return random.pick(values);
}
