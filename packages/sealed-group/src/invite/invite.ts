/**
 * An invite: everything that the holder of a pending leaf needs to become a member (docs/sealed-groups.md §8). Made only
 * after the adding commit was accepted as epoch n. It carries chain_n, so that epoch n + 1 opens with what commit n + 1
 * seals to the leaf's path, while epoch n itself stays closed to the newcomer.
 *
 *     InviteFields ── encodeInvite (sign) ──> bytes ── decodeInvite ──> UnverifiedInvite ── verifyInvite ──> Invite
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { equalBytes } from '@noble/ciphers/utils.js';
import { hashTuple } from '../hash/index.ts';
import type { SigningKey } from '../identity/signing-key.ts';
import { verifySignature } from '../identity/signing-key.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { decodeCanonical, safeInteger } from '../schedule/decode-canonical.ts';
import { Secret } from '../schedule/secret.ts';
import { parseSecret } from '../signature/keys.ts';
import type { Suite } from '../suite.ts';
import { protocolVersion, suiteId } from '../suite.ts';
import type { GroupMode } from '../tree/roles.ts';
import type { Instance } from '../tree/tree-node.ts';
import type { LeafIndex } from '../tree/tree-math.ts';
import type { InviteBody } from '../wire/gen/member_pb.js';
import { InviteBodySchema, InviteSchema } from '../wire/gen/member_pb.js';
import { groupIdBytes, keyBytes, maxLeafCount, signatureBytes } from '../wire/limits.ts';
import { decodeMode, encodeMode } from '../wire/roles.ts';

export const maxInviteBytes = 8 * 1024;
const maxOriginBytes = 255;
const originPattern = /^[\x21-\x7e]+$/;
const maxBlobIdBytes = 64;

/** Where the encrypted roster snapshot lies; its key is a secret of the group. */
export interface SnapshotReference {
  /** 1 to 64 bytes. */
  readonly blobId: Uint8Array;
  readonly sha256: Uint8Array;
  readonly key: Secret;
}

export interface InviteFields {
  readonly origin: string;
  /** 16 bytes. */
  readonly groupId: Uint8Array;
  readonly mode: GroupMode;
  /** n, made by the commit that added the leaf; with the leaf's index the newcomer's instance. */
  readonly epoch: number;
  /** chain_n. */
  readonly chain: Secret;
  readonly treeHash: Uint8Array;
  /** T_n. */
  readonly transcript: Uint8Array;
  readonly leaf: LeafIndex;
  readonly leafSecret: Secret;
  readonly expiresAtMs: number;
  readonly inviter: Instance;
  readonly roster: SnapshotReference;
}

/** Well-formed; who made it, and whether it still counts, is not known yet. */
export interface UnverifiedInvite extends InviteFields {
  /** Ed25519. */
  readonly inviterKey: Uint8Array;
  /** What the signature covers: it holds the secrets. */
  readonly body: Secret;
  readonly signature: Uint8Array;
}

declare const verifiedBrand: unique symbol;
/** Signed by `inviterKey`, not expired. Whether it fits the group is for `verifyInviteLeaf` and `verifyInviter` to say. */
export type Invite = UnverifiedInvite & { readonly [verifiedBrand]: true };

/** Holds secrets: seal it (`sealInvite`) or send it end-to-end encrypted, and wipe it. */
export function encodeInvite(fields: InviteFields, identity: SigningKey): Uint8Array {
  const { chain, leafSecret, inviter, roster, mode, epoch, expiresAtMs, ...plain } = fields;
  const body = toBinary(
    InviteBodySchema,
    create(InviteBodySchema, {
      ...plain,
      version: protocolVersion,
      suite: suiteId,
      mode: encodeMode(mode),
      epoch: BigInt(epoch),
      expiresAtMs: BigInt(expiresAtMs),
      chain: chain.reveal(),
      leafSecret: leafSecret.reveal(),
      inviterLeaf: inviter.leaf,
      inviterLeafEpoch: BigInt(inviter.epoch),
      inviterKey: identity.publicKey,
      roster: { blobId: roster.blobId, sha256: roster.sha256, key: roster.key.reveal() },
    }),
  );
  const encoded = toBinary(
    InviteSchema,
    create(InviteSchema, { body, signature: identity.sign(inviteDigest(body)) }),
  );
  body.fill(0);
  return encoded;
}

/** From bytes of anyone. Copies, so that the caller can wipe them. */
export function decodeInvite(bytes: Uint8Array): Result<UnverifiedInvite> {
  if (bytes.length > maxInviteBytes) return violation('invite/form', 'size');
  const invite = decodeCanonical(InviteSchema, bytes);
  const body = invite === undefined ? undefined : decodeCanonical(InviteBodySchema, invite.body);
  if (invite === undefined || body === undefined) return violation('invite/form', 'encoding');
  if (body.version !== protocolVersion || body.suite !== suiteId) {
    return violation('invite/version', `version ${body.version}, suite ${body.suite}`);
  }
  const fields = parseBody(body);
  if (fields === undefined || invite.signature.length !== signatureBytes)
    return violation('invite/form', 'fields');
  return accept({
    ...fields,
    body: Secret.copyOf(invite.body),
    signature: Uint8Array.from(invite.signature),
  });
}

export interface InviteExpectations {
  readonly nowMs: number;
  /** The identity key of the contact who sent it, when it came over a channel that tells. */
  readonly expectedInviter?: Uint8Array;
}

export function verifyInvite(
  suite: Suite,
  invite: UnverifiedInvite,
  { nowMs, expectedInviter }: InviteExpectations,
): Result<Invite> {
  if (!verifySignature(invite.inviterKey, inviteDigest(invite.body.reveal()), invite.signature)) {
    return violation('invite/signature');
  }
  if (expectedInviter !== undefined && !equalBytes(expectedInviter, invite.inviterKey)) {
    return violation('invite/expected-inviter');
  }
  if (parseSecret(suite, invite.leafSecret.reveal()) === undefined) return violation('invite/leaf-secret');
  if (invite.expiresAtMs <= nowMs) return violation('invite/expired');
  return accept(invite as Invite);
}

/** Once it was used [F16]. */
export function wipeInvite(invite: UnverifiedInvite): void {
  for (const secret of [invite.chain, invite.leafSecret, invite.roster.key, invite.body]) secret.wipe();
}

function parseBody(body: InviteBody): (InviteFields & { inviterKey: Uint8Array }) | undefined {
  const mode = decodeMode(body.mode);
  const epoch = safeInteger(body.epoch);
  const expiresAtMs = safeInteger(body.expiresAtMs);
  const inviterEpoch = safeInteger(body.inviterLeafEpoch);
  const { origin, groupId, chain, treeHash, transcript, leafSecret, inviterKey, roster } = body;
  if (mode === undefined || epoch === undefined || expiresAtMs === undefined || inviterEpoch === undefined) {
    return undefined;
  }
  if (origin.length > maxOriginBytes || !originPattern.test(origin) || groupId.length !== groupIdBytes)
    return undefined;
  const keys = [chain, treeHash, transcript, leafSecret, inviterKey, roster?.sha256, roster?.key];
  if (roster === undefined || !keys.every((key) => key?.length === keyBytes)) return undefined;
  if (roster.blobId.length === 0 || roster.blobId.length > maxBlobIdBytes) return undefined;
  if (body.leaf >= maxLeafCount || body.inviterLeaf >= maxLeafCount) return undefined;
  return {
    origin,
    groupId: Uint8Array.from(groupId),
    mode,
    epoch,
    chain: Secret.copyOf(chain),
    treeHash: Uint8Array.from(treeHash),
    transcript: Uint8Array.from(transcript),
    leaf: body.leaf as LeafIndex,
    leafSecret: Secret.copyOf(leafSecret),
    expiresAtMs,
    inviter: { leaf: body.inviterLeaf as LeafIndex, epoch: inviterEpoch },
    inviterKey: Uint8Array.from(inviterKey),
    roster: {
      blobId: Uint8Array.from(roster.blobId),
      sha256: Uint8Array.from(roster.sha256),
      key: Secret.copyOf(roster.key),
    },
  };
}

function inviteDigest(body: Uint8Array): Uint8Array {
  return hashTuple('invite', body);
}
