/**
 * A wrong clock for one process: libfaketime is loaded into it before its own code, and shifts the wall clock that it sees. Its
 * monotonic clock stays right, so that its timers last as long as they say, which is what a machine with a wrong clock is like.
 */
import { existsSync } from 'node:fs';

const places = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/faketime/libfaketime.so.1',
];

/** The environment of a process whose clock is this far ahead; undefined when the library (Debian: libfaketime) is missing. */
export function environmentWithSkew(skewSeconds: number): Readonly<Record<string, string>> | undefined {
  const library = places.find((place) => existsSync(place));
  if (library === undefined) return undefined;
  return {
    LD_PRELOAD: library,
    FAKETIME: `${skewSeconds >= 0 ? '+' : ''}${skewSeconds}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}
