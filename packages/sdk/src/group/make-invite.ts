/**
 * An invite, from the commit that adds a pending leaf to the link (docs/sealed-groups.md §8):
 *
 *     add (commit accepted as epoch n) ─▶ roster snapshot as a blob ─▶ invite: sealed under a fresh key, in the one-read store ─▶ link
 *
 * The link's key never reaches a server. What the invite was made of is deleted once the link exists.
 */
import { encodeBase64url } from '../encoding/base64url.ts';
import { ConclaveError } from '../errors/conclave-error.ts';
import { notAllowed } from '../errors/broken-rule.ts';
import {
  formatInviteLink,
  sealInvite,
  type GroupMode,
  type LeafIndex,
  type RequestedOperation,
  type Role,
  type SealedGroup,
} from '@conclave/sealed-group';
import { sha256 } from '@noble/hashes/sha2.js';
import type { BlobUpload } from '../http/sealed-api.ts';
import { paths } from '../store/paths.ts';
import type { GroupContext } from './group-context.ts';
import { capabilityCodec } from './group-records.ts';
import { proveAndUpload } from './prove-upload.ts';

export interface InviteOptions {
  /** Default `member`. */
  readonly role?: Role;
  /** From now; 1 minute to 7 days, default 1 day. */
  readonly ttlMs?: number;
  /** A further device of one's own, of at most one's own role. */
  readonly ownDevice?: boolean;
  readonly signal?: AbortSignal;
}

export interface InviteLink {
  /** Opens the group for whoever uses it first: send it over a channel that you trust. */
  readonly link: string;
  /** The same, with nothing that a QR code would need more room for. */
  readonly qrText: string;
  readonly expiresAtMs: number;
  /** The pending position. */
  readonly leaf: number;
}

const DAY_MS = 86_400_000;
const MAX_TTL_MS = 7 * DAY_MS;

export async function makeInvite(context: GroupContext, options: InviteOptions): Promise<InviteLink> {
  const { role = 'member', ttlMs = DAY_MS, ownDevice = false, signal } = options;
  if (!(ttlMs >= 60_000 && ttlMs <= MAX_TTL_MS))
    throw new ConclaveError('MISUSE', 'ttlMs lies between a minute and 7 days');
  const expiresAtMs = context.time.nowMs() + Math.floor(ttlMs);
  const accepted = await context.commits.run(
    (group) => ({
      operations: [{ kind: 'add', role, expiresAtMs, device: ownDevice }, ...modeForReaders(group, role)],
    }),
    { signal },
  );
  const leaf = accepted?.added[0];
  if (leaf === undefined) throw new ConclaveError('CONFLICT', 'The position was not added');
  return await writeInvite(context, { leaf, expiresAtMs, signal });
}

/** While a reader exists, every message has to be signed by its leaf [F13]. */
function modeForReaders(group: SealedGroup, role: Role): RequestedOperation[] {
  if (role !== 'reader' || group.mode.leafProof) return [];
  const mode: GroupMode = { ...group.mode, leafProof: true };
  return [{ kind: 'set-mode', mode }];
}

async function writeInvite(
  context: GroupContext,
  { leaf, expiresAtMs, signal }: { leaf: LeafIndex; expiresAtMs: number; signal: AbortSignal | undefined },
): Promise<InviteLink> {
  const { api, state, random, vault, id, time } = context;
  const snapshot = state.group.sealRosterFor(leaf);
  if (!snapshot.ok) throw notAllowed(snapshot);
  const blobId = random.bytes(16);
  const capability = random.bytes(32);
  await vault.transact([
    { put: paths.capability(id, encodeBase64url(blobId)), value: capabilityCodec.encode({ capability }) },
  ]);
  const { bytes, sha256: hash, key } = snapshot.value;
  await proveAndUpload(
    context,
    { blobId, size: bytes.length, sha256: hash, deleteHash: sha256(capability) },
    (upload: BlobUpload) => api.putBlob(state.group.groupId, upload, bytes, { signal }),
  );
  const encoded = state.group.createInvite(leaf, { blobId, sha256: hash, key });
  if (!encoded.ok) throw notAllowed(encoded);
  const sealed = sealInvite(encoded.value, random);
  encoded.value.fill(0);
  const transferId = await api.createTransfer(sealed.bytes, {
    ttlMs: Math.max(1_000, expiresAtMs - time.nowMs()),
    signal,
  });
  const link = formatInviteLink({
    serverOrigin: new URL(api.server).origin,
    transferId,
    secret: sealed.secret,
  });
  await state.change((group) => {
    group.forgetInvite(leaf);
    return { value: undefined };
  });
  return { link, qrText: link, expiresAtMs, leaf };
}
