/**
 * Loaded before the program of an honest person (`node --import`): takes out of its SDK, as it is loaded, everything by which it
 * notices a server that lies. A lie that such a client reports was not noticed by what we think; a lie that it does not report,
 * and its twin with open eyes does, was. The positive control of `attacks/lying-server.ts`.
 */
import { registerHooks } from 'node:module';

interface Cut {
  readonly file: string;
  /** Must stand in the file exactly once: a control that cuts nothing is none. */
  readonly before: string;
  readonly after: string;
}

const cuts: readonly Cut[] = [
  // The log is compared with what was processed.
  {
    file: '/packages/sdk/src/group/compare-log.ts',
    before: '  if (page.lastSeq < lastSeq) return',
    after: '  if (lastSeq >= 0) return undefined;\n  if (page.lastSeq < lastSeq) return',
  },
  // Frames that an honest server would have refused.
  {
    file: '/packages/sdk/src/group/server-fault.ts',
    before: 'return !ownFaults.has(rule);',
    after: 'return false;',
  },
  // What the server says of its log, and does not show.
  {
    file: '/packages/sdk/src/group/log-sync.ts',
    before: 'if (tries === PROMISE_TRIES) {',
    after: 'if (tries === PROMISE_TRIES) return;\n      if (tries > PROMISE_TRIES) {',
  },
  // What members say that they were shown.
  {
    file: '/packages/sdk/src/group/log-witness.ts',
    before: 'if (statement.epoch < this.#deps.coveredFromEpoch) return;',
    after: 'return;',
  },
];

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const mine = cuts.filter(({ file }) => url.endsWith(file));
    if (mine.length === 0) return loaded;
    let source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
    for (const { file, before, after } of mine) {
      const parts = source.split(before);
      if (parts.length !== 2) throw new Error(`${file} does not hold once: ${before}`);
      source = parts.join(after);
    }
    return { ...loaded, source };
  },
});
