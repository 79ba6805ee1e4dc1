/**
 * Who may work on a group at the same time. Commits and leaves change what everything else is judged by, so each has the
 * group to itself; messages only need that it holds still, so any number run together and share a database commit.
 *
 *   messages  ═══╦═══╗      ╔════
 *   commit       ╚═══╬══════╝          waits for those before it; those after it wait
 *
 * First come, first served: a stream of messages cannot keep a removal out. Groups do not wait for each other. Across
 * processes the group's row decides instead (docs/decisions/0004-delivery-service.md).
 */

export interface GroupGate {
  /** Runs `task` together with other shared tasks of the group. Undefined, and nothing runs, when too many wait. */
  shared<T>(groupId: string, task: () => Promise<T>): Promise<T> | undefined;
  /** Runs `task` while nothing else of the group runs. Undefined, and nothing runs, when too many wait. */
  exclusive<T>(groupId: string, task: () => Promise<T>): Promise<T> | undefined;
  /** Tasks waiting or running, of all groups. */
  readonly depth: number;
}

interface Entry {
  /** Settles when the last exclusive task, and all before it, are over. */
  exclusiveTail: Promise<void>;
  /** Shared tasks since then, if any are not over. */
  shared: SharedTasks | undefined;
  depth: number;
}

/** Counted, since a set of promises that comes and goes with each message is work for the garbage collector. */
interface SharedTasks {
  running: number;
  readonly over: PromiseWithResolvers<void>;
}

export function createGroupGate(limits: {
  readonly maxPerGroup: number;
  readonly maxTotal: number;
}): GroupGate {
  const entries = new Map<string, Entry>();
  let total = 0;

  const enter = (groupId: string): Entry | undefined => {
    const entry = entries.get(groupId) ?? { exclusiveTail: Promise.resolve(), shared: undefined, depth: 0 };
    if (entry.depth >= limits.maxPerGroup || total >= limits.maxTotal) return undefined;
    entries.set(groupId, entry);
    entry.depth++;
    total++;
    return entry;
  };
  const leave = (groupId: string, entry: Entry): void => {
    total--;
    if (--entry.depth === 0) entries.delete(groupId);
  };

  return {
    get depth() {
      return total;
    },
    shared<T>(groupId: string, task: () => Promise<T>): Promise<T> | undefined {
      const entry = enter(groupId);
      if (entry === undefined) return undefined;
      const tasks = (entry.shared ??= { running: 0, over: Promise.withResolvers() });
      tasks.running++;
      const result = entry.exclusiveTail.then(task);
      void finish(result, () => {
        if (--tasks.running === 0) {
          tasks.over.resolve();
          if (entry.shared === tasks) entry.shared = undefined;
        }
        leave(groupId, entry);
      });
      return result;
    },
    exclusive<T>(groupId: string, task: () => Promise<T>): Promise<T> | undefined {
      const entry = enter(groupId);
      if (entry === undefined) return undefined;
      const before = Promise.all([entry.exclusiveTail, entry.shared?.over.promise]);
      const result = before.then(task);
      entry.shared = undefined;
      entry.exclusiveTail = finish(result, () => leave(groupId, entry));
      return result;
    },
  };
}

/** Calls `over` when `task` has ended, however it did: its caller has the outcome, the next in line only needs to know that. */
async function finish(task: Promise<unknown>, over: () => void): Promise<void> {
  await Promise.allSettled([task]);
  over();
}
