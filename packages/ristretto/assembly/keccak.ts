/**
 * Keccak-f[1600] (FIPS 202, section 3) and cSHAKE256 over it (NIST SP 800-185, section 3), on the 64-bit words that
 * JavaScript does not have. The state is 25 words, lane (x, y) at 8 * (x + 5 * y): 200 bytes.
 *
 *   cshakeStart   state after bytepad(encode_string(N) || encode_string(S), 136): the same for every message under one
 *                 customisation, so callers keep it
 *   cshakeXof     output for a message, from such a state, which stays as it is
 *
 * No branch and no address depends on a message; lengths are public.
 */
import { keccakScratch } from './scratch';

/** Bytes of a state. */
export const keccakStateBytes: usize = 200;
/** The rate of cSHAKE256: bytes absorbed or given out by one permutation. */
export const keccakRate: usize = 136;
const rateWords: usize = 17;

/** cSHAKE's first bits after the message, and the last bit of the padding. */
const domainByte: u8 = 0x04;
const lastByte: u8 = 0x80;

const state: usize = keccakScratch;

/** RC of FIPS 202, section 3.2.5, for the 24 rounds: low half, high half. */
const roundConstants: usize = memory.data<u32>([
  0x1, 0x0, 0x8082, 0x0, 0x808a, 0x80000000, 0x80008000, 0x80000000, 0x808b, 0x0, 0x80000001, 0x0, 0x80008081,
  0x80000000, 0x8009, 0x80000000, 0x8a, 0x0, 0x88, 0x0, 0x80008009, 0x0, 0x8000000a, 0x0, 0x8000808b, 0x0,
  0x8b, 0x80000000, 0x8089, 0x80000000, 0x8003, 0x80000000, 0x8002, 0x80000000, 0x80, 0x80000000, 0x800a, 0x0,
  0x8000000a, 0x80000000, 0x80008081, 0x80000000, 0x8080, 0x80000000, 0x80000001, 0x0, 0x80008008, 0x80000000,
]);

/** 24 rounds: theta, rho and pi, chi, iota. */
export function keccakPermute(a: usize): void {
  let a00 = load<u64>(a, 0);
  let a10 = load<u64>(a, 8);
  let a20 = load<u64>(a, 16);
  let a30 = load<u64>(a, 24);
  let a40 = load<u64>(a, 32);
  let a01 = load<u64>(a, 40);
  let a11 = load<u64>(a, 48);
  let a21 = load<u64>(a, 56);
  let a31 = load<u64>(a, 64);
  let a41 = load<u64>(a, 72);
  let a02 = load<u64>(a, 80);
  let a12 = load<u64>(a, 88);
  let a22 = load<u64>(a, 96);
  let a32 = load<u64>(a, 104);
  let a42 = load<u64>(a, 112);
  let a03 = load<u64>(a, 120);
  let a13 = load<u64>(a, 128);
  let a23 = load<u64>(a, 136);
  let a33 = load<u64>(a, 144);
  let a43 = load<u64>(a, 152);
  let a04 = load<u64>(a, 160);
  let a14 = load<u64>(a, 168);
  let a24 = load<u64>(a, 176);
  let a34 = load<u64>(a, 184);
  let a44 = load<u64>(a, 192);
  for (let round: usize = 0; round < 24 * 8; round += 8) {
    // theta: every column takes the parities of two neighbours.
    const c0 = a00 ^ a01 ^ a02 ^ a03 ^ a04;
    const c1 = a10 ^ a11 ^ a12 ^ a13 ^ a14;
    const c2 = a20 ^ a21 ^ a22 ^ a23 ^ a24;
    const c3 = a30 ^ a31 ^ a32 ^ a33 ^ a34;
    const c4 = a40 ^ a41 ^ a42 ^ a43 ^ a44;
    const d0 = c4 ^ rotl<u64>(c1, 1);
    const d1 = c0 ^ rotl<u64>(c2, 1);
    const d2 = c1 ^ rotl<u64>(c3, 1);
    const d3 = c2 ^ rotl<u64>(c4, 1);
    const d4 = c3 ^ rotl<u64>(c0, 1);
    // rho and pi: lane (x, y) is rotated and moves to (y, 2x + 3y).
    const b00 = a00 ^ d0;
    const b10 = rotl<u64>(a11 ^ d1, 44);
    const b20 = rotl<u64>(a22 ^ d2, 43);
    const b30 = rotl<u64>(a33 ^ d3, 21);
    const b40 = rotl<u64>(a44 ^ d4, 14);
    const b01 = rotl<u64>(a30 ^ d3, 28);
    const b11 = rotl<u64>(a41 ^ d4, 20);
    const b21 = rotl<u64>(a02 ^ d0, 3);
    const b31 = rotl<u64>(a13 ^ d1, 45);
    const b41 = rotl<u64>(a24 ^ d2, 61);
    const b02 = rotl<u64>(a10 ^ d1, 1);
    const b12 = rotl<u64>(a21 ^ d2, 6);
    const b22 = rotl<u64>(a32 ^ d3, 25);
    const b32 = rotl<u64>(a43 ^ d4, 8);
    const b42 = rotl<u64>(a04 ^ d0, 18);
    const b03 = rotl<u64>(a40 ^ d4, 27);
    const b13 = rotl<u64>(a01 ^ d0, 36);
    const b23 = rotl<u64>(a12 ^ d1, 10);
    const b33 = rotl<u64>(a23 ^ d2, 15);
    const b43 = rotl<u64>(a34 ^ d3, 56);
    const b04 = rotl<u64>(a20 ^ d2, 62);
    const b14 = rotl<u64>(a31 ^ d3, 55);
    const b24 = rotl<u64>(a42 ^ d4, 39);
    const b34 = rotl<u64>(a03 ^ d0, 41);
    const b44 = rotl<u64>(a14 ^ d1, 2);
    // chi, and iota on lane (0, 0).
    a00 = b00 ^ (~b10 & b20) ^ load<u64>(roundConstants + round);
    a10 = b10 ^ (~b20 & b30);
    a20 = b20 ^ (~b30 & b40);
    a30 = b30 ^ (~b40 & b00);
    a40 = b40 ^ (~b00 & b10);
    a01 = b01 ^ (~b11 & b21);
    a11 = b11 ^ (~b21 & b31);
    a21 = b21 ^ (~b31 & b41);
    a31 = b31 ^ (~b41 & b01);
    a41 = b41 ^ (~b01 & b11);
    a02 = b02 ^ (~b12 & b22);
    a12 = b12 ^ (~b22 & b32);
    a22 = b22 ^ (~b32 & b42);
    a32 = b32 ^ (~b42 & b02);
    a42 = b42 ^ (~b02 & b12);
    a03 = b03 ^ (~b13 & b23);
    a13 = b13 ^ (~b23 & b33);
    a23 = b23 ^ (~b33 & b43);
    a33 = b33 ^ (~b43 & b03);
    a43 = b43 ^ (~b03 & b13);
    a04 = b04 ^ (~b14 & b24);
    a14 = b14 ^ (~b24 & b34);
    a24 = b24 ^ (~b34 & b44);
    a34 = b34 ^ (~b44 & b04);
    a44 = b44 ^ (~b04 & b14);
  }
  store<u64>(a, a00, 0);
  store<u64>(a, a10, 8);
  store<u64>(a, a20, 16);
  store<u64>(a, a30, 24);
  store<u64>(a, a40, 32);
  store<u64>(a, a01, 40);
  store<u64>(a, a11, 48);
  store<u64>(a, a21, 56);
  store<u64>(a, a31, 64);
  store<u64>(a, a41, 72);
  store<u64>(a, a02, 80);
  store<u64>(a, a12, 88);
  store<u64>(a, a22, 96);
  store<u64>(a, a32, 104);
  store<u64>(a, a42, 112);
  store<u64>(a, a03, 120);
  store<u64>(a, a13, 128);
  store<u64>(a, a23, 136);
  store<u64>(a, a33, 144);
  store<u64>(a, a43, 152);
  store<u64>(a, a04, 160);
  store<u64>(a, a14, 168);
  store<u64>(a, a24, 176);
  store<u64>(a, a34, 184);
  store<u64>(a, a44, 192);
}

function absorbBlock(block: usize): void {
  for (let i: usize = 0; i < 8 * rateWords; i += 8) {
    store<u64>(state + i, load<u64>(state + i) ^ load<u64>(block + i));
  }
  keccakPermute(state);
}

/** `prefix` is padded: `blocks` times the rate. */
export function cshakeStart(out: usize, prefix: usize, blocks: i32): void {
  memory.fill(state, 0, keccakStateBytes);
  for (let i = 0; i < blocks; i++) absorbBlock(prefix + <usize>i * keccakRate);
  memory.copy(out, state, keccakStateBytes);
}

/** The message needs room for one more block: its padding is written behind it. */
export function cshakeXof(out: usize, outBytes: usize, start: usize, message: usize, bytes: usize): void {
  const end = message + bytes - (bytes % keccakRate) + keccakRate;
  memory.fill(message + bytes, 0, end - message - bytes);
  store<u8>(message + bytes, domainByte);
  store<u8>(end - 1, load<u8>(end - 1) | lastByte);

  memory.copy(state, start, keccakStateBytes);
  for (let block = message; block < end; block += keccakRate) absorbBlock(block);
  while (outBytes > keccakRate) {
    memory.copy(out, state, keccakRate);
    keccakPermute(state);
    out += keccakRate;
    outBytes -= keccakRate;
  }
  memory.copy(out, state, outBytes);
}
