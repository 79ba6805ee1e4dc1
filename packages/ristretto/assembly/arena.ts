/**
 * Linear memory: constants and scratch | kept regions (tables) | the arena of the current call. Both grow upwards by
 * bumping a pointer; there is no collector and nothing is freed singly.
 *
 *   begin()      starts a call: the arena is empty
 *   allocate(n)  16-byte aligned; 0 if the memory's maximum is reached
 *   wipe()       zeroes what the call used of arena and scratch: after secrets
 *   keep(n)      moves the arena's start: a region for ever. Only between `begin` and the first `allocate`.
 */
import { scratchEnd, scratchStart } from './scratch';

const alignment: usize = 16;
const pageBytes: usize = 65536;

let arenaStart: usize = (__heap_base + alignment - 1) & ~(alignment - 1);
let arenaTop: usize = arenaStart;

export function begin(): void {
  arenaTop = arenaStart;
}

export function allocate(bytes: usize): usize {
  const size = (bytes + alignment - 1) & ~(alignment - 1);
  const at = arenaTop;
  const end = at + size;
  const available = <usize>memory.size() * pageBytes;
  if (size < bytes || end < at) return 0;
  if (end > available) {
    const pages = (end - available + pageBytes - 1) / pageBytes;
    if (memory.grow(<i32>pages) < 0) return 0;
  }
  arenaTop = end;
  return at;
}

/** For the kernel's own needs: traps where `allocate` answers 0. */
export function allocateOrTrap(bytes: usize): usize {
  const at = allocate(bytes);
  if (at == 0) unreachable();
  return at;
}

export function keep(bytes: usize): usize {
  const at = allocate(bytes);
  if (at != 0) arenaStart = arenaTop;
  return at;
}

export function wipe(): void {
  memory.fill(scratchStart, 0, scratchEnd - scratchStart);
  memory.fill(arenaStart, 0, arenaTop - arenaStart);
}
