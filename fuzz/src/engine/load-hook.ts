/**
 * Instruments modules as they are loaded: TypeScript is stripped of its types by Node itself, then instrument.ts does its part.
 * Everything imported after `registerInstrumentation` whose path passes `includes` is concerned.
 */
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { instrument } from './instrument.ts';

export interface Instrumentation {
  /** Counters in use so far. */
  readonly counters: number;
  /** Literals of all instrumented modules. */
  readonly literals: ReadonlySet<string | number>;
}

export function registerInstrumentation(includes: (url: string) => boolean): Instrumentation {
  const state = { counters: 0, literals: new Set<string | number>() };
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const isModule = loaded.format === 'module' || loaded.format === 'module-typescript';
      if (!isModule || !url.startsWith('file:') || !includes(url) || loaded.source === undefined)
        return loaded;
      const text =
        typeof loaded.source === 'string'
          ? loaded.source
          : Buffer.from(loaded.source as Uint8Array).toString();
      const source = loaded.format === 'module' ? text : stripTypeScriptTypes(text);
      const { code, counters, literals } = instrument(source, state.counters);
      state.counters += counters;
      for (const literal of literals) state.literals.add(literal);
      return { format: 'module', source: code, shortCircuit: true };
    },
  });
  return state;
}
