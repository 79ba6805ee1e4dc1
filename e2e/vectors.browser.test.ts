/** The known answers hold in the browser as they do in Node: the same code, another engine. */
import { expect, it } from 'vitest';
import {
  hashingVectors,
  sealingVectors,
  signatureVectors,
} from '../packages/sealed-group/test/sealing/vectors.ts';
import hashing from '../vectors/hashing.json' with { type: 'json' };
import sealing from '../vectors/sealing.json' with { type: 'json' };
import signatures from '../vectors/signatures.json' with { type: 'json' };

it('hashing, signatures and a sealing proof come out as in vectors/', () => {
  expect(hashingVectors()).toEqual(hashing);
  expect(signatureVectors()).toEqual(signatures);
  expect(sealingVectors()).toEqual(sealing);
});
