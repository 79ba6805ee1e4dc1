import { equalBytes } from '@noble/ciphers/utils.js';
import { createNobleEngine, createWasmEngine } from '@conclave/ristretto';
import { createNodeEngine, readPortableKernel } from '@conclave/ristretto/wasm-node';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const prime = 2n ** 255n - 19n;
const edges = [
  0n,
  1n,
  order - 1n,
  order,
  order + 1n,
  prime - 1n,
  prime,
  prime + 1n,
  2n ** 255n,
  2n ** 256n - 1n,
];

/** Kernel and reference share no code but the field's definition; the fused kernel has arithmetic of its own for lists of points. */
export const target: FuzzTarget = {
  about: 'points and scalars: both WASM kernels and the reference agree on every octet',
  format: 'octets',
  maxBytes: 96,
  runs: 6_000,
  prepare() {
    const kernel = createNodeEngine();
    const portable = createWasmEngine(readPortableKernel());
    const reference = createNobleEngine();
    const points = [0, 1, 2, 3].map((scalar) =>
      reference.group.encodePoint(
        reference.group.multiplyGenerator(reference.group.scalars.fromNumber(scalar)),
      ),
    );
    return {
      seeds: [...points, Buffer.concat(points.slice(1)), ...edges.map(littleEndian)],
      dictionary: edges.map(littleEndian),
      check(bytes) {
        const [ours, portably, theirs] = [kernel, portable, reference].map(({ group }) => {
          const point = group.decodePoint(bytes);
          const list = group.decodePoints(bytes);
          const scalar = group.scalars.fromBytes(bytes);
          return {
            point: point && group.encodePoint(point),
            isIdentity: point && group.isIdentity(point),
            list: list && group.encodePoints(list),
            scalar,
            isCanonical: group.scalars.isCanonical(bytes),
            product: point && scalar && group.encodePoint(group.multiply(point, scalar)),
            wide: bytes.length === 64 ? group.scalars.fromWideBytes(bytes) : undefined,
            mapped: bytes.length === 64 ? group.encodePoint(group.fromUniformBytes(bytes)) : undefined,
          };
        });
        demand(hex(ours) === hex(theirs), 'both engines answer alike');
        demand(hex(portably) === hex(theirs), 'the portable kernel answers as the others do');
        for (const decoded of [ours!.point, ours!.list, ours!.scalar])
          if (decoded !== undefined) demand(equalBytes(decoded, bytes), 'what decodes is its own encoding');
      },
    };
  },
};

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

function hex(answers: unknown): string {
  return JSON.stringify(answers, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
}
