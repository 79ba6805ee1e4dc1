/**
 * Sealed groups (docs/sealed-groups.md): the protocol, pure. No I/O, no clock, no ambient randomness; everything that looks
 * at bytes from outside returns a `Result`.
 *
 * A delivery service uses `parseFrame`, `checkEligibility`, `verifyCreate`/`verifyCommit`/`verifyLeave`/`checkMessageProof`,
 * `decideBudget`, `PublicGroup` and `src/read/`; a client uses `SealedGroup`, identities and invites.
 */
export type { RandomSource } from '@conclave/ristretto';
export * from './commit/index.ts';
export * from './group/index.ts';
export * from './identity/index.ts';
export * from './invite/index.ts';
export * from './message/index.ts';
export * from './preview/index.ts';
export * from './read/index.ts';
export { accept, violation } from './result.ts';
export type { Result, Violation } from './result.ts';
export { rules } from './rules/index.ts';
export type { Rule, RuleId } from './rules/index.ts';
export { Secret } from './schedule/index.ts';
export { digitsOf, searchDigits, searchInPlace } from './sealing/index.ts';
export type { CutDigits, DigitSearch, FoundDigits, SlowSearch } from './sealing/index.ts';
export { parsePublicKey, parseSecret, publicKeyOf } from './signature/index.ts';
export type { PublicKey, SecretScalar } from './signature/index.ts';
export { createSuite, protocolVersion, suiteId } from './suite.ts';
export type { Suite } from './suite.ts';
export * from './tree/index.ts';
export * from './wire/index.ts';
