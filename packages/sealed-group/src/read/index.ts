/** Proofs of membership for reading, the tokens they buy, and for storing blobs. */
export { blobClaim, signBlob } from './blob-proof.ts';
export type { BlobDescription } from './blob-proof.ts';
export { checkChallenge, issueChallenge, maxChallengeMs, maxServerSkewMs } from './challenge.ts';
export type { ChallengeScope } from './challenge.ts';
export { readClaim, signChallenge } from './read-proof.ts';
export { checkReadToken, issueReadToken } from './read-token.ts';
export type { ReadTokenContent, ReadTokenScope } from './read-token.ts';
