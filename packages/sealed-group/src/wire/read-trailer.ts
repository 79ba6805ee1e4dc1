/** The trailer of each kind of frame from its fields. Signatures and proofs are measured and not looked at. */
import type { CanonicalReader } from './canonical-reader.ts';
import { fieldTags as tags } from './field-tags.ts';
import type {
  CommitContent,
  CommitTrailerContent,
  CreateTrailerContent,
  LeaveTrailerContent,
  MessageTrailerContent,
} from './frame.ts';
import { confirmBytes, maxLeafCount, signatureBytes } from './limits.ts';
import { countAdds } from './read-commit.ts';

export function readCreateTrailer(fields: CanonicalReader): CreateTrailerContent {
  const tag = tags.CreateTrailer;
  const confirm = fields.fixedBytes(tag.confirm, confirmBytes, 'confirm');
  const payload = fields.bytes(tag.payload);
  const possession = fields.fixedBytes(tag.possession, signatureBytes, 'possession');
  return { confirm, payload, possession };
}

/** One proof of possession for each add of `content`. */
export function readCommitTrailer(fields: CanonicalReader, content: CommitContent): CommitTrailerContent {
  const tag = tags.CommitTrailer;
  const adds = countAdds(content.operations);
  const possessions = fields.rows(tag.possessions, signatureBytes, adds, 'possessions');
  if (possessions.length < adds) fields.refuse('frame/count', 'possessions');
  const sealingProof = fields.bytes(tag.sealingProof);
  const confirm = fields.fixedBytes(tag.confirm, confirmBytes, 'confirm');
  const payload = fields.bytes(tag.payload);
  const oldSignature = fields.fixedBytes(tag.oldSignature, signatureBytes, 'signatures');
  const newSignature = fields.fixedBytes(tag.newSignature, signatureBytes, 'signatures');
  return { possessions, sealingProof, confirm, payload, oldSignature, newSignature };
}

export function readMessageTrailer(fields: CanonicalReader): MessageTrailerContent | undefined {
  const tag = tags.MessageTrailer;
  if (fields.has(tag.epochProof))
    return { proof: 'epoch', signature: fields.fixedBytes(tag.epochProof, signatureBytes, 'epoch_proof') };
  if (fields.has(tag.leafProof)) return fields.message(tag.leafProof, readLeafProof);
  return fields.refuse('frame/content', 'proof');
}

export function readLeaveTrailer(fields: CanonicalReader): LeaveTrailerContent {
  return { signature: fields.fixedBytes(tags.LeaveTrailer.signature, signatureBytes, 'signature') };
}

function readLeafProof(fields: CanonicalReader): MessageTrailerContent {
  const leaf = fields.index(tags.LeafProof.leaf, maxLeafCount, 'leaf_proof');
  const signature = fields.fixedBytes(tags.LeafProof.signature, signatureBytes, 'leaf_proof');
  return { proof: 'leaf', leaf, signature };
}
