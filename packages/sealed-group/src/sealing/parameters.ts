/**
 * The numbers of the sealing proof (design: sealed groups, section 4). They are fixed: a block with fewer nodes uses the
 * same bounds, its absent digits count as zero [F3].
 */
import { digitBits } from '../suite.ts';

/** Digits of a scalar: 16 of 16 bits. */
export const digitCount = 16;
/** Bytes of one row of commitments or handles: 16 points. */
export const digitRowBytes = digitCount * 32;

/** Sealed nodes in one frame. */
export const maxSealedNodes = 1024;
/** Nodes in one block of the shortness proof. */
export const blockNodes = 64;
/** Repetitions of the subset-sum test: a long digit escapes one with probability 1/2. */
export const repetitions = 128;

/** N: digits in a full block. */
const blockDigits = blockNodes * digitCount;
/** S: the largest subset sum of honest digits; responses start here. Below 2^26. */
export const responseMin = blockDigits * (2 ** digitBits - 1);
/** Z: masks are uniform in [0, Z), responses end before it. Below 2^34. */
export const responseEnd = 256 * responseMin;
/** A digit whose absolute value reaches this fails a repetition with probability 1/2; accepted ones are below. */
export const digitBound = responseEnd - responseMin;

/** Little-endian bytes of a response on the wire. */
export const responseBytes = 5;
