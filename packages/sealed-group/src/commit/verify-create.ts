/** Verifies the frame that makes a group (§5): one owner leaf with proof of possession, epoch 0. */
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { parsePublicKey } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import { PublicTree } from '../tree/index.ts';
import type { CreateFrame } from '../wire/index.ts';
import {
  confirmedTranscriptHash,
  emptyTranscript,
  trailerContext,
  transcriptHash,
  unsignedPart,
} from '../wire/index.ts';
import { trailerSignatureContext } from './context.ts';
import type { CreateEffect, Pending } from './effects.ts';

/** `origin` is the server's own: a create for another server is nobody's business here. */
export function verifyCreate(
  suite: Suite,
  frame: CreateFrame,
  origin: string,
): Result<Pending<CreateEffect>> {
  const { header, content, trail } = frame;
  if (header.origin !== origin) return violation('commit/eligible');
  const leafKey = parsePublicKey(suite, content.leafKey);
  if (leafKey === undefined) return violation('commit/key');
  // The demand that is made after every commit (§6): who writes must then be known.
  if (content.mode.minWriter !== 'member' && !content.mode.leafProof) return violation('commit/create-mode');
  const context = trailerContext(frame.bodyHash, unsignedPart(frame.trailer, 1));
  const tree = PublicTree.create(leafKey);
  const confirmedTranscript = confirmedTranscriptHash(emptyTranscript, frame.bodyHash);
  return accept({
    claims: [
      {
        kind: 'signature',
        rule: 'commit/create-possession',
        purpose: 'create-possession',
        publicKey: leafKey,
        context: trailerSignatureContext(header, context),
        signature: trail.possession,
      },
    ],
    effect: {
      origin,
      groupId: header.groupId,
      mode: content.mode,
      tree,
      treeHash: tree.treeHash(),
      confirmedTranscript,
      transcript: transcriptHash(confirmedTranscript, frame.trailer),
      nowMs: header.nowMs,
      epochKey: leafKey,
    },
  });
}
