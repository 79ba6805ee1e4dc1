/**
 * A suite that remembers the points it decodes again and again. The delivery service sees the same few keys: every message of
 * an epoch is proven by the epoch's one key. Decoding a point costs a field inversion, and equations that share a *Point
 * object* are multiplied by it once (sealed-group, equation-batch.ts): both are saved. The other point of a signature never
 * comes again, so what was met once is only noted; it is remembered from the second time on. Everything here is public.
 */
import { RecencyMap } from '@conclave/platform/recency-map';
import type { Point } from '@conclave/ristretto';
import type { Suite } from '@conclave/sealed-group';

const pointBytes = 32;

/** `maxPoints` bounds the memory, about 400 bytes each; the ones not used for longest go first. */
export function rememberPoints(suite: Suite, maxPoints: number): Suite {
  const points = new RecencyMap<string, Point>();
  const metOnce = new Set<string>();
  const { group } = suite;
  const decodePoint = (bytes: Uint8Array): Point | undefined => {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    const known = points.get(name);
    if (known === undefined && !metOnce.delete(name)) {
      if (metOnce.size >= maxPoints) metOnce.clear();
      metOnce.add(name);
      return group.decodePoint(bytes);
    }
    const point = known ?? decodeAlone(group, bytes);
    if (point === undefined) return undefined;
    points.set(name, point);
    if (points.size > maxPoints) points.delete(points.oldestKey!);
    return point;
  };
  // Its other operations stay those of the group itself.
  return { ...suite, group: Object.create(group, { decodePoint: { value: decodePoint } }) };
}

/** In a buffer of its own. `decodePoint` cuts points from buffers of 16 KiB, and one that is kept long would keep all of its. */
function decodeAlone(group: Suite['group'], bytes: Uint8Array): Point | undefined {
  return bytes.length === pointBytes ? group.decodePoints(bytes)?.[0] : undefined;
}
