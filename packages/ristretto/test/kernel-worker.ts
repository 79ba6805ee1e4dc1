/** A worker that takes the kernel's bytes and answers with 5 times the generator. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { createWasmEngine } from '../src/index.ts';

addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
  const group = createWasmEngine(data).group;
  postMessage(bytesToHex(group.encodePoint(group.multiplyGenerator(group.scalars.fromNumber(5)))));
});
