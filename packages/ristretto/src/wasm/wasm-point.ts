/** A point of this engine: extended coordinates as the kernel has them (`assembly/edwards.ts`), 160 bytes of its own. */
import type { Point } from '../ristretto255.ts';

export const pointBytes = 160;
export const encodedBytes = 32;

export const wrapPoint = (bytes: Uint8Array) => bytes as unknown as Point;
export const unwrapPoint = (point: Point) => point as unknown as Uint8Array;
