/** A worker that takes the kernel's bytes and answers with 5 times the generator. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { createWasmRistretto } from '../src/index.ts';

addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
  const group = createWasmRistretto(data);
  postMessage(bytesToHex(group.encodePoint(group.multiplyGenerator(group.scalars.fromNumber(5)))));
});
