/**
 * A message as a preview shows it. Every member of an epoch could have encrypted it as any leaf: only the inner signature tells, and
 * the key that it verifies by stands in the roster, which is not here yet. Nor is the writer's role, which stands in the tree.
 */
import type { EpochKeys } from '../schedule/index.ts';
import { unpackContent } from '../message/content.ts';
import type { MemberContent } from '../message/content.ts';
import { headerBytes, sampleBytes, unmaskHeader } from '../message/header-mask.ts';
import { decryptMessage } from '../message/open-message.ts';
import { isOfEpoch } from '../message/same-epoch.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import type { GroupMode, LeafIndex } from '../tree/index.ts';
import { toLeafIndex } from '../tree/index.ts';
import type { MessageFrame } from '../wire/index.ts';

export interface PreviewMessage {
  /** Some member of the epoch, or whoever knows its keys; `leaf` is what it says of itself. */
  readonly author: 'unverified';
  readonly leaf: LeafIndex;
  readonly generation: number;
  /** The same that the verified message will have. */
  readonly bodyHash: Uint8Array;
  readonly epoch: number;
  /** The writer's clock, as claimed. */
  readonly sentAtMs: number;
  readonly content: MemberContent;
}

export interface PreviewReader {
  readonly keys: EpochKeys;
  readonly mode: GroupMode;
  /** The newcomer's leaf, which is pending and so never writes. */
  readonly own: LeafIndex;
  readonly leafCount: number;
}

/** Looks only: no ratchet moves. */
export function readPreviewMessage(
  { keys, mode, own, leafCount }: PreviewReader,
  frame: MessageFrame,
): Result<PreviewMessage> {
  const { header: masked, ciphertext } = frame.content;
  const { header, trail } = frame;
  if (!isOfEpoch(header, keys)) return violation('message/same-epoch');
  if (masked.length !== headerBytes || ciphertext.length < sampleBytes) {
    return violation('message/header-length');
  }
  if ((trail.proof === 'leaf') !== mode.leafProof) return violation('commit/message-proof');
  const unmasked = unmaskHeader(masked, keys.header.reveal(), header.nonce, ciphertext);
  const leaf = toLeafIndex(unmasked.leaf, leafCount);
  if (leaf === undefined) return violation('message/leaf-in-tree');
  if (leaf === own) return violation('message/sender-joined', `leaf ${leaf}`);
  if (trail.proof === 'leaf' && trail.leaf !== leaf) return violation('message/leaf-proof-matches');
  const message = decryptMessage({ keys, frame }, unmasked);
  if (!message.ok) return message;
  const content = unpackContent(message.value);
  if (!content.ok) return content;
  return accept({
    author: 'unverified',
    leaf,
    generation: unmasked.generation,
    bodyHash: Uint8Array.from(frame.bodyHash),
    epoch: header.epoch,
    sentAtMs: header.nowMs,
    content: content.value,
  });
}
