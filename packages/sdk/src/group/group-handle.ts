/**
 * A group as applications use it. Every method may be cancelled by its `signal`: what the server has accepted by then stays
 * accepted. Failures are ConclaveErrors; each method names the codes that are particular to it.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import {
  administers,
  rank,
  type GroupMode,
  type GroupProfile,
  type RequestedOperation,
  type Role,
  type SealedGroup,
} from '@conclave/sealed-group';
import { attachmentType, cutLabel, encodeAttachment, type Attachment } from '../attachments/attachment.ts';
import type { BlobClient, Progress, TransferOptions } from '../attachments/blob-client.ts';
import { toBlob, toStream, type AttachmentSource } from '../attachments/octet-source.ts';
import { encodeBase64url } from '../encoding/base64url.ts';
import { concatBytes } from '../encoding/bytes.ts';
import { abortedError, ConclaveError, isConclaveError, throwIfAborted } from '../errors/conclave-error.ts';
import { notAllowed } from '../errors/broken-rule.ts';
import type { EventEmitter } from '../events/event-emitter.ts';
import { paths } from '../store/paths.ts';
import { formatFingerprint } from './fingerprint.ts';
import type { GroupContext } from './group-context.ts';
import { capabilityCodec, messageCodec } from './group-records.ts';
import type { GroupEvents, GroupStatus, Member, MemberId, MemberList, Message } from './group-types.ts';
import { makeInvite, type InviteLink, type InviteOptions } from './make-invite.ts';
import { findMember, listMembers, ownLeafOf, senderOf } from './member-list.ts';
import { toMessage, toPendingMessage, typeAndContent, type Outgoing } from './message-content.ts';
import { proveAndUpload } from './prove-upload.ts';

export interface Cancel {
  readonly signal?: AbortSignal | undefined;
}

export interface AttachOptions extends Cancel {
  /** Default: the name of a `File`, else empty. */
  readonly name?: string;
  /** Default: the type of a `Blob`, else `application/octet-stream`. */
  readonly mediaType?: string;
  readonly caption?: string;
  readonly onProgress?: (progress: Progress) => void;
}

export interface GroupHandleDeps {
  readonly context: GroupContext;
  readonly blobs: BlobClient;
  readonly events: EventEmitter<GroupEvents>;
  readonly close: () => Promise<void>;
}

export class GroupHandle {
  readonly #deps: GroupHandleDeps;

  constructor(deps: GroupHandleDeps) {
    this.#deps = deps;
  }

  /** Base64url of the group's random id. */
  get id(): string {
    return this.#context.id;
  }

  get name(): string {
    return this.#group.profile.name;
  }

  /** `removed` also when only the server says so. */
  get status(): GroupStatus {
    return this.#context.sync.isDenied ? 'removed' : this.#group.status;
  }

  get epoch(): number {
    return this.#group.epoch;
  }

  get mode(): GroupMode {
    return this.#group.mode;
  }

  /** One's own role; undefined once removed. */
  get role(): Role | undefined {
    return ownLeafOf(this.#group)?.role;
  }

  get server(): string {
    return this.#context.api.server;
  }

  /** Adds a listener; the returned function removes it. */
  on<Type extends keyof GroupEvents>(type: Type, listener: (event: GroupEvents[Type]) => void): () => void {
    return this.#deps.events.on(type, listener);
  }

  /** The next event of this type for which `when` holds. */
  next<Type extends keyof GroupEvents>(
    type: Type,
    options: { when?: (event: GroupEvents[Type]) => boolean; signal?: AbortSignal } = {},
  ): Promise<GroupEvents[Type]> {
    return this.#deps.events.next(type, options);
  }

  // Messages.

  /**
   * Saves the message, then sends it; resolves once the server has it durably. While the server cannot be reached it waits:
   * cancel waiting with `signal` (the message is sent later all the same). Rejects with `NOT_ALLOWED`, `REMOVED`, `CLIENT_CLOSED`.
   */
  async send(outgoing: Outgoing, { signal }: Cancel = {}): Promise<Message> {
    throwIfAborted(signal);
    if (this.#group.status === 'removed')
      throw new ConclaveError('REMOVED', 'This device was removed from the group');
    const { type, content } = typeAndContent(outgoing);
    const { localId, accepted } = await this.#context.outbox.enqueue({ type, content });
    const { bodyHash, seq } = await unlessAborted(accepted, signal);
    const pending = toPendingMessage(
      { order: 0, localId, type, content, createdAtMs: this.#context.time.nowMs() },
      this.#me(),
    );
    return { ...pending, id: encodeBase64url(bodyHash), seq, state: 'sent' };
  }

  /** Newest last. `before` is a message's `seq`; without it, messages still on their way come last. */
  async history({ before, limit = 50 }: { before?: number; limit?: number } = {}): Promise<Message[]> {
    const { vault, id, outbox } = this.#context;
    const entries = await vault.list({
      under: paths.messages(id),
      limit,
      reverse: true,
      ...(before === undefined ? {} : { before }),
    });
    const sent = entries.map(({ value }) => toMessage(messageCodec.decode(value))).reverse();
    const pending =
      before === undefined ? outbox.pending().map((record) => toPendingMessage(record, this.#me())) : [];
    return [...sent, ...pending];
  }

  // Members.

  members(): MemberList {
    return listMembers(this.#group, this.#context.time.nowMs());
  }

  /** Adds a pending position and makes the link that gives it. Rejects with `NOT_ALLOWED`, `CONFLICT`. */
  invite(options: InviteOptions = {}): Promise<InviteLink> {
    return makeInvite(this.#context, options);
  }

  /**
   * Removes a person with all its devices, and the positions it invited that nobody took. Resolves with the joined members that it
   * had invited: remove them too? A pending position is removed by `{ leaf }`.
   */
  async remove(
    target: MemberId | { readonly leaf: number },
    { signal }: Cancel = {},
  ): Promise<{ descendants: Member[] }> {
    const wasThere = leavesOfTarget(this.#group, target).length > 0;
    const accepted = await this.#context.commits.run(
      (group) => {
        const operations = leavesOfTarget(group, target).map((leaf): RequestedOperation => ({
          kind: 'remove',
          leaf,
        }));
        if (operations.length > 0) return { operations };
        // Somebody else removed it meanwhile.
        if (wasThere) return undefined;
        throw new ConclaveError('NOT_A_MEMBER', 'There is no such member');
      },
      { signal },
    );
    const remaining = new Set<number>(accepted?.descendants);
    return {
      descendants: this.members().members.filter(({ devices }) =>
        devices.some(({ leaf }) => remaining.has(leaf)),
      ),
    };
  }

  /** Rejects with `NOT_ALLOWED`, `NOT_A_MEMBER`. */
  async setRole(member: MemberId, role: Role, { signal }: Cancel = {}): Promise<void> {
    await this.#context.commits.run(
      (group) => {
        const operations = roleOperations(group, member, role);
        if (operations.length === 0) return undefined;
        if (role === 'reader' && !group.mode.leafProof) {
          operations.push({ kind: 'set-mode', mode: { ...group.mode, leafProof: true } });
        }
        return { operations };
      },
      { signal },
    );
  }

  /** Makes `member` an owner and oneself an admin, in one step. */
  async handOver(member: MemberId, { signal }: Cancel = {}): Promise<void> {
    await this.#context.commits.run(
      (group) => {
        const operations = roleOperations(group, member, 'owner');
        const own = ownLeafOf(group);
        if (own?.role === 'owner')
          operations.push({ kind: 'set-role', leaf: own.instance.leaf, role: 'admin' });
        return operations.length === 0 ? undefined : { operations };
      },
      { signal },
    );
  }

  /** On: only owners and admins write, and every message is signed by its leaf. */
  async setBroadcast(on: boolean, { signal }: Cancel = {}): Promise<void> {
    await this.#context.commits.run(
      (group) => {
        const hasReader = group.members().some(({ role }) => role === 'reader');
        const mode: GroupMode = {
          ...group.mode,
          minWriter: on ? 'admin' : 'member',
          leafProof: on || hasReader,
        };
        const isSo = mode.minWriter === group.mode.minWriter && mode.leafProof === group.mode.leafProof;
        return isSo ? undefined : { operations: [{ kind: 'set-mode', mode }] };
      },
      { signal },
    );
  }

  async rename(name: string, { signal }: Cancel = {}): Promise<void> {
    await this.#context.commits.run(
      (group) => {
        if (!administers(ownLeafOf(group)?.role ?? 'member'))
          throw new ConclaveError('NOT_ALLOWED', 'Only owners and admins name the group');
        const profile: GroupProfile = { ...group.profile, name };
        return group.profile.name === name ? undefined : { operations: [], profile };
      },
      { signal },
    );
  }

  /**
   * Asks to be removed; whoever is online next carries it out (`removed`). The only owner hands over first (`NOT_ALLOWED`).
   */
  async leave({ signal }: Cancel = {}): Promise<void> {
    const { state, api, time, sync } = this.#context;
    for (let tries = 0; ; tries++) {
      throwIfAborted(signal);
      await sync.run();
      assertMayLeave(this.#group);
      const frame = await state.change((group) => {
        const prepared = group.leave({ nowMs: time.nowMs() });
        if (!prepared.ok) throw notAllowed(prepared);
        return { value: prepared.value.frame, withPublic: true };
      });
      try {
        const { seq } = await api.postFrame(this.#group.groupId, frame, { signal });
        sync.hint(seq);
        return;
      } catch (error) {
        if (tries === 5 || !isConclaveError(error, 'CONCLAVE_WRONG_EPOCH', 'CONCLAVE_NOT_ELIGIBLE'))
          throw error;
      }
    }
  }

  /** Replaces all keys on one's own path: heals the group after this device's keys may have been seen. */
  async refresh({ signal }: Cancel = {}): Promise<void> {
    await this.#context.commits.run(() => ({ operations: [] }), { signal });
  }

  /** Sixty digits that are the same for all members in the same epoch: compare them over another channel. */
  fingerprint(): string {
    const { authenticator } = this.#group;
    if (authenticator === undefined)
      throw new ConclaveError('GROUP_NOT_ACTIVE', 'This device has no keys of the current epoch');
    return formatFingerprint(authenticator);
  }

  // Attachments.

  /** Encrypts and uploads, then sends the message that names it. Rejects with `CONCLAVE_BLOB_QUOTA`. */
  async attach(source: AttachmentSource, options: AttachOptions = {}): Promise<Message> {
    const { onProgress, signal, caption = '' } = options;
    const { vault, id, random, state } = this.#context;
    const content = await toBlob(source);
    const key = random.bytes(32);
    const blobId = random.bytes(16);
    const capability = random.bytes(32);
    const { size, sha256: hash } = await this.#deps.blobs.measure(content, key, { signal });
    // The capability before the blob: what was uploaded can always be deleted.
    await vault.transact([
      { put: paths.capability(id, encodeBase64url(blobId)), value: capabilityCodec.encode({ capability }) },
    ]);
    await proveAndUpload(
      this.#context,
      { blobId, size, sha256: hash, deleteHash: sha256(capability) },
      (upload) =>
        this.#deps.blobs.upload({ groupId: state.group.groupId, content, key, upload, onProgress, signal }),
    );
    const attachment: Attachment = {
      blobId,
      key,
      sha256: hash,
      size: content.size,
      name: cutLabel(
        options.name ?? ('name' in content && typeof content.name === 'string' ? content.name : ''),
      ),
      mediaType: cutLabel(
        options.mediaType ?? (content.type === '' ? 'application/octet-stream' : content.type),
      ),
      caption,
    };
    return await this.send({ type: attachmentType, content: encodeAttachment(attachment) }, { signal });
  }

  /** The whole content. Rejects with `ATTACHMENT_DAMAGED`, `CONCLAVE_BLOB_GONE`. */
  async download(attachment: Attachment, options: TransferOptions = {}): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const part of await this.#openDownload(attachment, options)) parts.push(part);
    return concatBytes(...parts);
  }

  /** The content as it arrives: every piece is authentic, but only a stream that ends without error is complete. */
  async downloadStream(
    attachment: Attachment,
    options: TransferOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return toStream(await this.#openDownload(attachment, options));
  }

  /** Deletes the stored blob; false when it was gone. Rejects with `ATTACHMENT_NOT_OWNED` for others' attachments. */
  async deleteAttachment(attachment: Attachment, { signal }: Cancel = {}): Promise<boolean> {
    const { vault, id, api, state } = this.#context;
    const path = paths.capability(id, encodeBase64url(attachment.blobId));
    const stored = await vault.get(path);
    if (stored === undefined)
      throw new ConclaveError(
        'ATTACHMENT_NOT_OWNED',
        'Only the device that uploaded an attachment can delete it',
      );
    const { capability } = capabilityCodec.decode(stored);
    const wasThere = await api.deleteBlob(state.group.groupId, attachment.blobId, capability, { signal });
    await vault.transact([{ delete: path }]);
    return wasThere;
  }

  /** Reads the log now, for clients that do not wait for the live feed. */
  async sync({ signal }: Cancel = {}): Promise<void> {
    await unlessAborted(this.#context.sync.run(), signal);
  }

  /** Stops everything about this group; the client opens it again at the next start. */
  close(): Promise<void> {
    return this.#deps.close();
  }

  async #openDownload(attachment: Attachment, options: TransferOptions): Promise<AsyncGenerator<Uint8Array>> {
    const { readAccess, state } = this.#context;
    const { groupId } = state.group;
    // The first piece is asked for inside, so that a token that was revoked is replaced.
    return await readAccess.use(async (readToken) => {
      const parts = this.#deps.blobs.download({ groupId, attachment, readToken, ...options });
      const first = await parts.next();
      return prepend(first, parts);
    });
  }

  #me() {
    return senderOf(this.#group.me.leaf, ownLeafOf(this.#group)?.entry);
  }

  get #context(): GroupContext {
    return this.#deps.context;
  }

  get #group(): SealedGroup {
    return this.#deps.context.state.group;
  }
}

async function* prepend(
  first: IteratorResult<Uint8Array>,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

function leavesOfTarget(group: SealedGroup, target: MemberId | { readonly leaf: number }): number[] {
  if (typeof target === 'string') return findMember(group, target)?.devices.map(({ leaf }) => leaf) ?? [];
  return group.members().some(({ instance }) => instance.leaf === target.leaf) ? [target.leaf] : [];
}

function roleOperations(group: SealedGroup, id: MemberId, role: Role): RequestedOperation[] {
  const member = findMember(group, id);
  if (member === undefined) throw new ConclaveError('NOT_A_MEMBER', 'There is no such member');
  return (
    member.devices
      // A further device keeps its role when its person rises, and never stands above it.
      .filter((device) => (device.isFurtherDevice ? rank(device.role) < rank(role) : device.role !== role))
      .map(({ leaf }) => ({ kind: 'set-role', leaf, role }))
  );
}

function assertMayLeave(group: SealedGroup): void {
  if (group.status === 'removed')
    throw new ConclaveError('REMOVED', 'This device was removed from the group');
  const members = group.members();
  const owners = members.filter(({ role, isPending }) => role === 'owner' && !isPending);
  if (owners.length === 1 && owners[0]!.isMe) {
    throw new ConclaveError('NOT_ALLOWED', 'The only owner hands the group over before leaving');
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  throwIfAborted(signal);
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(abortedError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
