/**
 * What a lying server makes of a log. A lie is a function from a log to a log; several are told one after the other. Numbers of
 * frames are the server's word and signed by nobody, so what remains is numbered anew unless a lie leaves a hole.
 */

/** A frame of the real log; `octets` is undefined while the proxy knows only that it exists. */
export interface TrueFrame {
  /** In the real log. */
  readonly seq: number;
  readonly epoch: number | undefined;
  readonly octets: Uint8Array | undefined;
  /** Who posted it through the proxy, if it said who it was. */
  readonly postedBy: string | undefined;
}

/** `isHole`: the number is used up and nothing stands there. */
export interface ShownFrame extends TrueFrame {
  readonly isHole?: boolean;
}

export interface Lie {
  /** Who is lied to; undefined: everybody. */
  readonly to: ReadonlySet<string> | undefined;
  readonly tell: (log: readonly ShownFrame[], viewer: string | undefined) => readonly ShownFrame[];
}

type Telling = Lie['tell'];

/** The log as this viewer is shown it: the frame at index i has the number i + 1. */
export function showLog(
  truth: readonly TrueFrame[],
  lies: Iterable<Lie>,
  viewer: string | undefined,
): readonly ShownFrame[] {
  let shown: readonly ShownFrame[] = truth;
  for (const { to, tell } of lies) {
    if (to === undefined || (viewer !== undefined && to.has(viewer))) shown = tell(shown, viewer);
  }
  return shown;
}

/** These frames never were: later ones move up, or a hole remains. */
export function withholding(seqs: readonly number[], leaveHole: boolean): Telling {
  const hidden = new Set(seqs);
  return (log) =>
    leaveHole
      ? log.map((frame) => (hidden.has(frame.seq) ? { ...frame, isHole: true } : frame))
      : log.filter(({ seq }) => !hidden.has(seq));
}

/** Two frames change places. Until both are there, the first place stays empty, and so does what follows. */
export function swapping(first: number, second: number): Telling {
  return (log) => {
    const places = [first, second].map((seq) => log.findIndex((frame) => frame.seq === seq));
    const [a, b] = places as [number, number];
    if (a === -1 && b === -1) return log;
    if (a === -1 || b === -1) return log.slice(0, Math.max(a, b));
    return log.with(a, log[b]!).with(b, log[a]!);
  };
}

/** The log ends after this frame, as it did once. */
export function rollingBack(lastSeq: number): Telling {
  return (log) => log.filter(({ seq }) => seq <= lastSeq);
}

/** Other octets stand in the place of this frame. */
export function replacing(seq: number, octets: Uint8Array): Telling {
  return (log) => log.map((frame) => (frame.seq === seq ? { ...frame, octets } : frame));
}

/**
 * After this frame every side of the fork sees only what its own viewers post. Commits cannot be forked through a proxy: the real
 * server takes one of an epoch, and whoever is on the other side is refused.
 */
export function forking(after: number, sides: readonly (readonly string[])[]): Telling {
  const sideOf = (viewer: string | undefined): number =>
    sides.findIndex((side) => viewer !== undefined && side.includes(viewer));
  return (log, viewer) =>
    log.filter(({ seq, postedBy }) => seq <= after || sideOf(postedBy) === sideOf(viewer));
}
