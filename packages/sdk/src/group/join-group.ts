/**
 * Joining by an invite (docs/sealed-groups.md §8). Reading the invite destroys the server's copy, so the first thing
 * after it is to save it: a crash or a lost connection at any later step is resumed with `resumeJoin`.
 *
 *     link ─▶ read once ─▶ SAVE ─▶ open, verify ─▶ prove by the invited leaf ─▶ tree of n, commit n, roster ─▶ member (joining)
 *          ─▶ SAVE state, delete invite ─▶ [open group: fast-forward, first commit]    └▶ preview
 *
 * The preview comes with the first try only: a server that could make a client try again would learn something of what is sealed
 * to it with every try (docs/sealed-groups.md §8.7).
 */
import {
  leafNode,
  openSealedInvite,
  parseFrame,
  parseInviteLink,
  parseSecret,
  publicKeyOf,
  SealedGroup,
  signChallenge,
  verifyInvite,
  wipeInvite,
  type Invite,
  type InviteLink,
  type MemberDeps,
  type Violation,
} from '@conclave/sealed-group';
import { encodeBase64url } from '../encoding/base64url.ts';
import { ConclaveError, isConclaveError } from '../errors/conclave-error.ts';
import type { LoggedFrame, SealedApi } from '../http/sealed-api.ts';
import { paths } from '../store/paths.ts';
import type { Vault } from '../store/vault.ts';
import type { ServerTime } from '../time/server-time.ts';
import { epochOfFrame } from './frame-epoch.ts';
import { groupCodec, joinCodec, type GroupRecord } from './group-records.ts';
import { stateOperations } from './group-state.ts';
import type { Warning } from './group-types.ts';
import { memberIdOf } from './member-list.ts';
import { PreviewLog } from './preview-log.ts';
import type { PreviewEvent } from './preview-types.ts';

export interface JoinDeps {
  readonly vault: Vault;
  readonly member: MemberDeps;
  readonly connectionTo: (server: string) => { readonly api: SealedApi; readonly time: ServerTime };
  /** Makes room for a new membership of this group. Rejects with `GROUP_EXISTS` while there is a living one. */
  readonly release: (groupId: string) => Promise<void>;
  readonly onPreview: (event: PreviewEvent) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface Joined {
  /** In base64url. */
  readonly id: string;
  /** What was false in the roster that the inviter gave: it costs names, never the join. */
  readonly warnings: readonly Warning[];
}

/** Stores a group in the state `joining`. */
export async function joinByLink(deps: JoinDeps, text: string): Promise<Joined> {
  const parsed = parseInviteLink(text);
  if (!parsed.ok) throw invalid(parsed);
  const link = parsed.value;
  const saved = await deps.vault.get(paths.join(link.transferId));
  const sealed =
    saved === undefined ? await readOnce(deps, link, text) : joinCodec.decode(saved).sealedInvite;
  return await useInvite(deps, link, sealed, { previews: saved === undefined });
}

/** Joins that were interrupted after the invite was read. Resolves with the groups that are now there. */
export async function resumeJoins(deps: JoinDeps): Promise<{ joined: Joined[]; failed: ConclaveError[] }> {
  const joined: Joined[] = [];
  const failed: ConclaveError[] = [];
  for (const { value } of await deps.vault.list({ under: paths.joins })) {
    const { link, sealedInvite } = joinCodec.decode(value);
    const parsed = parseInviteLink(link);
    if (!parsed.ok) continue;
    try {
      joined.push(await useInvite(deps, parsed.value, sealedInvite, { previews: false }));
    } catch (error) {
      if (!(error instanceof ConclaveError)) throw error;
      failed.push(error);
    }
  }
  return { joined, failed };
}

async function readOnce(
  { vault, connectionTo, signal }: JoinDeps,
  link: InviteLink,
  text: string,
): Promise<Uint8Array> {
  let sealedInvite: Uint8Array;
  try {
    sealedInvite = await connectionTo(link.serverOrigin).api.readTransfer(link.transferId, { signal });
  } catch (error) {
    if (!isConclaveError(error, 'CONCLAVE_TRANSFER_GONE')) throw error;
    throw new ConclaveError(
      'INVITE_ALREADY_READ',
      'This invite was read before, perhaps by a link preview, or it expired. It is worthless now; ask for a new one.',
      { cause: error },
    );
  }
  await vault.transact([
    { put: paths.join(link.transferId), value: joinCodec.encode({ link: text, sealedInvite }) },
  ]);
  return sealedInvite;
}

async function useInvite(
  deps: JoinDeps,
  link: InviteLink,
  sealed: Uint8Array,
  { previews }: { readonly previews: boolean },
): Promise<Joined> {
  const { vault, member, signal } = deps;
  const { api, time } = deps.connectionTo(link.serverOrigin);
  try {
    // Whether the invite has expired is not for a wrong device clock to say.
    time.adjust((await api.describeServer({ signal })).nowMs);
    const opened = openSealedInvite(sealed, link.secret);
    if (!opened.ok) throw invalid(opened);
    const verified = verifyInvite(member.suite, opened.value, { nowMs: time.nowMs() });
    if (!verified.ok) throw invalid(verified);
    const invite = verified.value;
    const id = encodeBase64url(invite.groupId);
    const existing = await vault.get(paths.group(id));
    const record = existing === undefined ? undefined : groupCodec.decode(existing);
    await deps.release(id);
    const token = await proveByInvite(deps, api, invite);
    const { group, warnings } = previews
      ? await previewAndJoin(deps, api, invite, token)
      : await fetchAndJoin(deps, api, invite, token);
    const joined: GroupRecord = {
      server: link.serverOrigin,
      name: group.profile.name,
      createdAtMs: record?.createdAtMs ?? time.nowMs(),
      phase: 'active',
    };
    await vault.transact([
      ...stateOperations(id, group, true),
      { put: paths.group(id), value: groupCodec.encode(joined) },
      { delete: paths.join(link.transferId) },
    ]);
    wipeInvite(invite);
    return { id, warnings };
  } catch (error) {
    // An invite that can never work is not tried again at every start.
    if (isConclaveError(error, 'INVITE_INVALID', 'INVITE_EXPIRED', 'INVITE_REVOKED', 'GROUP_EXISTS')) {
      await vault.transact([{ delete: paths.join(link.transferId) }]);
    }
    throw error;
  }
}

interface JoinedGroup {
  readonly group: SealedGroup;
  readonly warnings: readonly Warning[];
}

/** The first page comes before the tree, which may be a thousand times larger; the others beside it. */
async function previewAndJoin(
  deps: JoinDeps,
  api: SealedApi,
  invite: Invite,
  token: string,
): Promise<JoinedGroup> {
  const joined = new AbortController();
  const signal = deps.signal === undefined ? joined.signal : AbortSignal.any([deps.signal, joined.signal]);
  const { onPreview: onEvent, member } = deps;
  using log = new PreviewLog({ suite: member.suite, api, invite, token, signal, onEvent });
  const following = (await log.readPage()) ? log.follow() : undefined;
  try {
    return await fetchAndJoin(deps, api, invite, token);
  } finally {
    joined.abort();
    await following;
  }
}

async function fetchAndJoin(
  deps: JoinDeps,
  api: SealedApi,
  invite: Invite,
  token: string,
): Promise<JoinedGroup> {
  const { member, signal } = deps;
  const { groupId, epoch } = invite;
  const tree = await api.getTree(groupId, token, { epoch, signal });
  const commit = await findCommit(api, { groupId, token, epoch, signal });
  const snapshot = await api
    .getBlob(groupId, invite.roster.blobId, token, { maxBytes: 2 ** 24, signal })
    // A missing roster costs names, never the join: they come with everybody's next commit.
    .catch((error: unknown) => {
      if (isConclaveError(error, 'CONCLAVE_BLOB_GONE')) return undefined;
      throw error;
    });
  const input = {
    invite,
    tree,
    commit: commit.frame,
    commitSeq: commit.seq,
    snapshot,
  };
  const joined = await SealedGroup.joinAsync(member, input, { signal });
  if (!joined.ok) throw invalid(joined);
  const { group, findings } = joined.value;
  const by = memberIdOf(group, invite.inviter.leaf);
  return { group, warnings: findings.flags.map((rule) => ({ kind: 'misbehaviour', rule, by })) };
}

async function proveByInvite({ member, signal }: JoinDeps, api: SealedApi, invite: Invite): Promise<string> {
  const { suite, random } = member;
  const secret = parseSecret(suite, invite.leafSecret.reveal());
  if (secret === undefined) throw new ConclaveError('INVITE_INVALID', 'The invite holds no key');
  const challenge = await api.getChallenge(invite.groupId, { signal });
  const signature = signChallenge(suite, {
    origin: invite.origin,
    groupId: invite.groupId,
    challenge,
    secret,
    publicKey: publicKeyOf(suite, secret),
    hedge: { secret, random, context: challenge },
  });
  try {
    const proof = { challenge, node: leafNode(invite.leaf), signature };
    return (await api.redeemChallenge(invite.groupId, proof, { signal })).readToken;
  } catch (error) {
    if (!isConclaveError(error, 'CONCLAVE_READ_DENIED')) throw error;
    throw new ConclaveError('INVITE_REVOKED', 'The invited position is not in the group any more', {
      cause: error,
    });
  }
}

interface CommitSearch {
  readonly groupId: Uint8Array;
  readonly token: string;
  readonly epoch: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The commit that made `epoch`. Frames' epochs ascend along the log, but for late messages of one epoch before: a binary search finds
 * the neighbourhood, a short walk the frame. So a newcomer to a long log reads a few frames, not all.
 */
async function findCommit(api: SealedApi, search: CommitSearch): Promise<LoggedFrame> {
  const page = (after: number, limit: number) =>
    api.getFrames(search.groupId, search.token, { after, limit, signal: search.signal });
  let low = 0;
  let high = (await page(0, 1)).lastSeq;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [frame] = (await page(middle, 1)).frames;
    if (frame !== undefined && epochOfFrame(frame.frame) < search.epoch) low = middle + 1;
    else high = middle;
  }
  // Backwards, a few more at a time: it stands among the last, and commits may be large.
  for (let end = low + 1, width = 2; end > 0; end -= width, width = Math.min(2 * width, 50)) {
    const frames: LoggedFrame[] = [];
    for (let after = Math.max(0, end - width); after < end;) {
      // The server ends a page where it has become large.
      const more = (await page(after, end - after)).frames;
      if (more.length === 0) break;
      frames.push(...more);
      after = more.at(-1)!.seq;
    }
    const found = frames.findLast(
      (frame) => epochOfFrame(frame.frame) === search.epoch - 1 && isCommit(frame),
    );
    if (found !== undefined) return found;
  }
  throw new ConclaveError('HISTORY_GONE', 'The server no longer keeps the commit that the invite belongs to');
}

function isCommit({ frame }: LoggedFrame): boolean {
  const parsed = parseFrame(frame);
  return parsed.ok && parsed.value.content.kind === 'commit';
}

function invalid({ rule, detail }: Violation): ConclaveError {
  if (rule === 'invite/expired')
    return new ConclaveError('INVITE_EXPIRED', 'The invite has expired; ask for a new one', {
      details: { rule },
    });
  return new ConclaveError('INVITE_INVALID', `This is not a usable invite (${rule})`, {
    details: { rule, ...(detail === undefined ? {} : { detail }) },
  });
}
