/**
 * Known answers: a group's create, the commit that adds a leaf, and a message, from seeded randomness. They are what another
 * implementation must accept, and what this one must go on making: `node test/group/frame-vectors.ts` writes them anew.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesToHex } from '@noble/hashes/utils.js';
import { parseFrame, transcriptHash } from '../../src/index.ts';
import { confirmedTranscriptHash, emptyTranscript } from '../../src/index.ts';
import { Client, openMode, person, service, startMs, valueOf } from './people.ts';

export const vectorFile: string = join(import.meta.dirname, '../../../../vectors/frames.json');

export interface FrameVectors {
  readonly about: string;
  readonly seed: string;
  readonly nowMs: number;
  readonly mode: typeof openMode;
  readonly create: StepVector;
  readonly commit: StepVector & {
    readonly addedLeaf: number;
    readonly invite: string;
    readonly tree: string;
  };
  readonly message: { readonly frame: string; readonly bodyHash: string; readonly text: string };
}

interface StepVector {
  readonly frame: string;
  readonly bodyHash: string;
  readonly treeHash: string;
  readonly confirmedTranscript: string;
  readonly transcript: string;
  readonly authenticator: string;
}

const seed = 'vectors';
const text = 'The owl flies at dusk.';

export function makeFrameVectors(): FrameVectors {
  const ds = service();
  const alice = Client.create(person('alice', seed), ds);
  const create = describeStep(alice, ds.log[0]!.bytes, emptyTranscript);
  const [leaf] = alice.add({});
  const { invite } = alice.invite(leaf!);
  const commit = describeStep(alice, ds.log[1]!.bytes, Buffer.from(create.transcript, 'hex'));
  valueOf(alice.say(text));
  const { bytes } = ds.log[2]!;
  return {
    about:
      'Randomness is SHAKE-256 of the UTF-8 of "SEED/alice", read as one stream in the order of use; the first 32 bytes are the identity. Bytes are hexadecimal.',
    seed,
    nowMs: startMs,
    mode: openMode,
    create,
    commit: {
      ...commit,
      addedLeaf: leaf!,
      invite: bytesToHex(invite),
      tree: bytesToHex(ds.treeByEpoch.get(1)!),
    },
    message: { frame: bytesToHex(bytes), bodyHash: bytesToHex(valueOf(parseFrame(bytes)).bodyHash), text },
  };
}

function describeStep({ group }: Client, bytes: Uint8Array, before: Uint8Array): StepVector {
  const { bodyHash, trailer } = valueOf(parseFrame(bytes));
  const confirmed = confirmedTranscriptHash(before, bodyHash);
  return {
    frame: bytesToHex(bytes),
    bodyHash: bytesToHex(bodyHash),
    treeHash: bytesToHex(group.tree.treeHash()),
    confirmedTranscript: bytesToHex(confirmed),
    transcript: bytesToHex(transcriptHash(confirmed, trailer)),
    authenticator: bytesToHex(group.authenticator!),
  };
}

if (import.meta.main) writeFileSync(vectorFile, `${JSON.stringify(makeFrameVectors(), undefined, 2)}\n`);
