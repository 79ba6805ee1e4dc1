/** The content of a commit from its fields: numbers, lengths and counts in order, keys not looked at. */
import type { GroupMode } from '../tree/index.ts';
import type { CanonicalReader } from './canonical-reader.ts';
import { fieldTags as tags } from './field-tags.ts';
import type { CommitContent, FrameOperation, SealedNodeContent } from './frame.ts';
import {
  digitVectorBytes,
  keyBytes,
  maxAdds,
  maxLeafCount,
  maxNodeCount,
  maxOperations,
  maxSealedNodes,
  signatureBytes,
} from './limits.ts';
import { decodeMode, decodeRole } from './roles.ts';

export function readCommit(fields: CanonicalReader): CommitContent {
  const tag = tags.Commit;
  const committer = fields.index(tag.committer, maxLeafCount, 'committer');
  const operations = fields.messages(tag.operations, maxOperations, 'operations', readOperation);
  if (countAdds(operations) > maxAdds) fields.stop('frame/count', 'adds');
  const fills = fields.packedIndices(tag.fills, maxNodeCount, maxSealedNodes, 'fills');
  const leafKey = fields.fixedBytes(tag.leafKey, keyBytes, 'leaf_key');
  const sealed = fields.messages(tag.sealed, maxSealedNodes, 'sealed', readSealedNode);
  return { kind: 'commit', committer, operations, fills, leafKey, sealed };
}

export function countAdds(operations: readonly FrameOperation[]): number {
  let adds = 0;
  for (const { kind } of operations) if (kind === 'add') adds += 1;
  return adds;
}

/** Undefined if it is absent or breaks frame/range. */
export function readMode(fields: CanonicalReader, tag: number, name: string): GroupMode | undefined {
  const mode = fields.message(tag, readModeFields);
  return mode ?? fields.refuse('frame/range', name);
}

function readModeFields(fields: CanonicalReader): GroupMode | undefined {
  const tag = tags.Mode;
  const leafProof = fields.bool(tag.leafProof);
  const minWriter = fields.enumeration(tag.minWriter);
  const ownDevices = fields.bool(tag.ownDevices);
  return decodeMode({ leafProof, minWriter, ownDevices });
}

function readOperation(fields: CanonicalReader): FrameOperation | undefined {
  const tag = tags.Operation;
  if (fields.has(tag.setRole)) return fields.message(tag.setRole, readSetRole);
  if (fields.has(tag.remove)) return fields.message(tag.remove, readRemove);
  if (fields.has(tag.add)) return fields.message(tag.add, readAdd);
  if (fields.has(tag.setMode)) return fields.message(tag.setMode, readSetMode);
  return fields.refuse('frame/content', 'operation');
}

function readSetRole(fields: CanonicalReader): FrameOperation | undefined {
  const leaf = fields.index(tags.SetRole.leaf, maxLeafCount, 'set_role');
  const role = decodeRole(fields.enumeration(tags.SetRole.role));
  return role === undefined ? fields.refuse('frame/range', 'set_role') : { kind: 'set-role', leaf, role };
}

function readRemove(fields: CanonicalReader): FrameOperation {
  const tag = tags.Remove;
  const leaf = fields.index(tag.leaf, maxLeafCount, 'remove');
  const leaveSignature = fields.has(tag.leaveSignature)
    ? fields.fixedBytes(tag.leaveSignature, signatureBytes, 'leave_signature')
    : undefined;
  return { kind: 'remove', leaf, leaveSignature };
}

function readAdd(fields: CanonicalReader): FrameOperation | undefined {
  const tag = tags.Add;
  const leafKey = fields.fixedBytes(tag.leafKey, keyBytes, 'leaf_key');
  const role = decodeRole(fields.enumeration(tag.role));
  const expiresAtMs = fields.uint64(tag.expiresAtMs, 'add');
  const device = fields.bool(tag.device);
  if (role === undefined) return fields.refuse('frame/range', 'add');
  return { kind: 'add', leafKey, role, expiresAtMs, device };
}

function readSetMode(fields: CanonicalReader): FrameOperation | undefined {
  const mode = readMode(fields, tags.SetMode.mode, 'set_mode');
  return mode === undefined ? undefined : { kind: 'set-mode', mode };
}

function readSealedNode(fields: CanonicalReader): SealedNodeContent {
  const tag = tags.SealedNode;
  const node = fields.index(tag.node, maxNodeCount, 'sealed node');
  const key = fields.fixedBytes(tag.key, keyBytes, 'key');
  const commitments = fields.fixedBytes(tag.commitments, digitVectorBytes, 'commitments');
  // As many as fit into a frame.
  const handles = fields.rows(tag.handles, digitVectorBytes, Infinity, 'handles');
  return { node, key, commitments, handles };
}
