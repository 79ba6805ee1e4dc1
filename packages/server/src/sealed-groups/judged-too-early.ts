/**
 * Thrown in a unit that writes a frame: what the frame was judged by is no longer so. Nothing is written; `writeOnce` makes it
 * "judge again" (write-once.ts).
 */
export class JudgedTooEarly extends Error {
  override readonly name = 'JudgedTooEarly';
}
