/**
 * Reading before the tree is there (docs/sealed-groups.md §8.7). From an invite and, for each commit after it, a small opening, a
 * newcomer computes the keys of epochs n + 1, n + 2, … and reads their messages, long before it has tree and roster.
 *
 * ```
 *  invite: chain_n, tree hash_n, T_n, leaf secret
 *     │ open(start)          path in the tree of n ─▶ hash!     what commit n sealed ─▶ path secrets of n
 *     │ advance(opening)     changes of the path ─▶ tree hash   row ─▶ head secret ─┐
 *     │                      body hash, T ─▶ Tc ─────────────── context ────────────┴ chain ─▶ epoch keys ─▶ `confirm`!
 *     ▼ readMessage(frame)   decrypted; who wrote it is not verified
 * ```
 *
 * The server makes starts and openings, and cannot lie in them: the invite binds the start, and `confirm` everything else, by a
 * key that takes chain_n. A preview has keys of its own: it moves no ratchet of the member that comes after it, stores
 * nothing, and cannot write. The first opening that fails ends it for good, whatever the reason: what it opens was not proven to
 * be well sealed, and a server that could try again and again would learn digits from the answers.
 */
import { equalBytes } from '@noble/ciphers/utils.js';
import type { Invite } from '../invite/index.ts';
import { verifyInviteLeaf } from '../invite/index.ts';
import type { Result } from '../result.ts';
import { accept, violation } from '../result.ts';
import { EpochKeys, Secret } from '../schedule/index.ts';
import { parsePublicKey, parseSecret } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import type { GroupMode } from '../tree/index.ts';
import { leafNode, verifyMerklePath } from '../tree/index.ts';
import { confirmedTranscriptHash, isMessageFrame, parseFrame, transcriptHashOf } from '../wire/index.ts';
import type { LeafPath } from './leaf-path.ts';
import { changeLeafPath, treeHashOfPath } from './leaf-path.ts';
import type { KnownSecrets } from './open-rows.ts';
import { openRows, stillStanding } from './open-rows.ts';
import { decodeOpening, decodePreviewStart } from './preview-codec.ts';
import type { PreviewMessage } from './read-preview-message.ts';
import { readPreviewMessage } from './read-preview-message.ts';

interface Standing {
  readonly epoch: number;
  readonly mode: GroupMode;
  /** T of the epoch. */
  readonly transcript: Uint8Array;
  readonly path: LeafPath;
  readonly secrets: KnownSecrets;
  /** Chain of the epoch. */
  readonly chain: Secret;
  /** Undefined in the invite's epoch, which is closed to its newcomer. */
  readonly keys: EpochKeys | undefined;
}

export class Preview {
  readonly #suite: Suite;
  readonly #group: Pick<Invite, 'origin' | 'groupId'>;
  #standing: Standing | undefined;
  /** `leaf/generation` of the epoch's messages that were read. */
  readonly #read = new Set<string>();

  private constructor(suite: Suite, invite: Invite, standing: Standing) {
    this.#suite = suite;
    this.#group = { origin: invite.origin, groupId: Uint8Array.from(invite.groupId) };
    this.#standing = standing;
  }

  /** `start` is the server's. Copies what it needs of the invite. */
  static open(suite: Suite, invite: Invite, start: Uint8Array): Result<Preview> {
    const decoded = decodePreviewStart(start);
    if (!decoded.ok) return decoded;
    const verified = verifyMerklePath(decoded.value.path, invite.treeHash, (bytes) =>
      parsePublicKey(suite, bytes),
    );
    if (!verified.ok) return verified;
    const path: LeafPath = verified.value;
    const leaf = verifyInviteLeaf(suite, invite, {
      treeHash: () => invite.treeHash,
      leaf: (index) => (index === path.index ? path.leaf : undefined),
    });
    if (!leaf.ok) return leaf;
    const secret = parseSecret(suite, invite.leafSecret.reveal());
    if (secret === undefined) return violation('invite/leaf-secret');
    const known = new Map([[leafNode(path.index), { publicKey: leaf.value.publicKey, secret }]]);
    const opened = openRows(suite, path, decoded.value.sealed, known);
    if (!opened.ok) {
      secret.fill(0);
      return opened;
    }
    return accept(
      new Preview(suite, invite, {
        epoch: invite.epoch,
        mode: invite.mode,
        transcript: invite.transcript,
        path,
        secrets: opened.value.secrets,
        chain: Secret.copyOf(invite.chain.reveal()),
        keys: undefined,
      }),
    );
  }

  /** The epoch whose messages can be read now; at first the invite's, of which none can. Undefined once it ended. */
  get epoch(): number | undefined {
    return this.#standing?.epoch;
  }

  /** Into the next epoch. A violation ends the preview. */
  advance(opening: Uint8Array): Result<void> {
    const before = this.#standing;
    if (before === undefined) return violation('preview/ended');
    const next = this.#open(before, opening);
    if (!next.ok) {
      this.close();
      return next;
    }
    wipeStanding(before, next.value.secrets);
    this.#standing = next.value;
    this.#read.clear();
    return accept(undefined);
  }

  /** A message of the current epoch. What is refused changes nothing. */
  readMessage(bytes: Uint8Array): Result<PreviewMessage> {
    const { keys, mode, path } = this.#standing ?? {};
    if (mode === undefined || path === undefined) return violation('preview/ended');
    const frame = parseFrame(bytes);
    if (!frame.ok) return frame;
    if (!isMessageFrame(frame.value)) return violation('frame/content');
    if (keys === undefined || frame.value.header.origin !== this.#group.origin)
      return violation('message/same-epoch');
    const read = readPreviewMessage({ keys, mode, own: path.index, leafCount: path.leafCount }, frame.value);
    if (!read.ok) return read;
    const name = `${read.value.leaf}/${read.value.generation}`;
    if (this.#read.has(name)) return violation('message/generation-unused', name);
    this.#read.add(name);
    return read;
  }

  /** Overwrites its keys. Idempotent. */
  close(): void {
    if (this.#standing !== undefined) wipeStanding(this.#standing, new Map());
    this.#standing = undefined;
    this.#read.clear();
  }

  #open(before: Standing, bytes: Uint8Array): Result<Standing> {
    const suite = this.#suite;
    const decoded = decodeOpening(bytes);
    if (!decoded.ok) return decoded;
    const opening = decoded.value;
    const { epoch, leafCount } = opening;
    if (epoch !== before.epoch + 1) return violation('preview/next-epoch', `${epoch}`);
    const path = changeLeafPath(before.path, leafCount, opening.changes, (key) => parsePublicKey(suite, key));
    if (!path.ok) return path;
    const opened = openRows(suite, path.value, opening.sealed, stillStanding(path.value, before.secrets));
    if (!opened.ok) return opened;
    const mode = opening.mode ?? before.mode;
    const confirmedTranscript = confirmedTranscriptHash(before.transcript, opening.bodyHash);
    const keys = EpochKeys.derive({
      chain: before.chain.reveal(),
      headSecret: opened.value.head,
      context: { ...this.#group, mode, epoch, treeHash: treeHashOfPath(path.value), confirmedTranscript },
      leafCount,
    });
    // Compared in constant time. Before this holds nothing that the server said counts.
    if (!equalBytes(keys.confirmation(), opening.confirm)) {
      keys.wipe();
      wipeSecrets(opened.value.secrets, before.secrets);
      return violation('preview/confirm');
    }
    return accept({
      epoch,
      mode,
      transcript: transcriptHashOf(confirmedTranscript, opening.wholeTrailerHash),
      path: path.value,
      secrets: opened.value.secrets,
      chain: Secret.copyOf(keys.chain.reveal()),
      keys,
    });
  }
}

function wipeStanding(standing: Standing, kept: KnownSecrets): void {
  wipeSecrets(standing.secrets, kept);
  standing.chain.wipe();
  standing.keys?.wipe();
}

/** Overwrites what `kept` does not hold. */
function wipeSecrets(secrets: KnownSecrets, kept: KnownSecrets): void {
  const keptSecrets = new Set([...kept.values()].map(({ secret }) => secret));
  for (const { secret } of secrets.values()) if (!keptSecrets.has(secret)) secret.fill(0);
}
