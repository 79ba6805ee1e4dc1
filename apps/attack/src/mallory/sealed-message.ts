/** A message that opens, as a member's state gives it: in any leaf's name, of any generation, under any nonce. */
import { sealMessage } from '@conclave/sealed-group';
import type { FrameHeader, LeafIndex, MemberContent } from '@conclave/sealed-group';
import { valueOf } from '@conclave/testkit';
import type { Mallory } from './mallory.ts';

export interface SealedMessageOptions {
  /** Whose ratchet seals it; every member could. */
  readonly leaf?: LeafIndex;
  /** Generations to pass over. The state is a copy: it begins anew each time. */
  readonly skip?: number;
  readonly text: string;
  readonly header?: Partial<FrameHeader>;
  readonly lastSeen?: Uint8Array;
  /** Whose leaf signs the frame, where leaves do; the epoch's key if absent. */
  readonly provenBy?: Mallory;
}

export function sealedMessage(mallory: Mallory, options: SealedMessageOptions): Uint8Array {
  const { leaf = mallory.leaf, skip = 0, text } = options;
  const { keys, signingKey, lastSeen } = mallory.state;
  const header = { ...mallory.header, ...options.header };
  for (let count = 0; count < skip; count++) valueOf(keys!.secretTree.takeNext(leaf));
  const content: MemberContent = { kind: 'text', text };
  const sealed = valueOf(
    sealMessage({
      keys: keys!,
      frame: header,
      leaf,
      signingKey: signingKey!,
      lastSeen: options.lastSeen ?? lastSeen,
      content,
    }),
  );
  const message = { header, masked: sealed.header, ciphertext: sealed.ciphertext };
  const { provenBy } = options;
  return provenBy === undefined
    ? mallory.message(message)
    : provenBy.message({ ...message, leaf: provenBy.leaf });
}
