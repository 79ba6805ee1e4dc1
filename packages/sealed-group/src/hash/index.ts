export { hashTuple } from './hash-tuple.ts';
export { hedgedBytes, hedgedScalar } from './hedge.ts';
export type { Hedge } from './hedge.ts';
export { uint32 } from './label.ts';
export { Transcript } from './transcript.ts';
export { createXof } from './xof.ts';
export type { HasXof, Xof } from './xof.ts';
