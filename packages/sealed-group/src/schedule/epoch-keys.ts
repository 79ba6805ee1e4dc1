/**
 * The keys of one epoch, and their lives (docs/sealed-groups.md §6) [F6]:
 *
 *     head_secret_e ─┐
 *     chain_{e-1} ───┴─> epoch_secret_e ──> chain_e, confirmation, header, payload, exporter, authenticator, secret tree
 *                        (gone at once)
 *
 *     derived ── the epoch's commit wins ──> current ── the next commit wins: retire() ──> grace ── wipe() ──> gone
 *
 * A member may derive the keys of a commit that then loses its race, so deriving leaves chain_{e-1} alone; adopting an
 * epoch means `retire()` on the one before, which overwrites chain, confirmation, payload and exporter keys. The secret
 * tree and the header key stay for late messages until `wipe()`.
 *
 * Called by `src/message/`, `src/identity/`, `src/commit/`, `src/group/`.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { equalBytes } from '@noble/ciphers/utils.js';
import { EpochStateSchema } from '../wire/gen/member_pb.js';
import { decodeCanonical, safeInteger } from './decode-canonical.ts';
import type { EpochContext } from './epoch-context.ts';
import { epochContextHash } from './epoch-context.ts';
import { expandLabel, extractSecret } from './expand-label.ts';
import { scheduleLabels } from './labels.ts';
import { Secret } from './secret.ts';
import { SecretTree } from './secret-tree.ts';

const keyBytes = 32;

/** chain_{-1}: the chain before the epoch that a `create` makes. */
export function initialChain(): Uint8Array {
  return new Uint8Array(keyBytes);
}

export interface EpochInputs {
  /** chain_{e-1}, 32 bytes. Read, not kept. */
  readonly chain: Uint8Array;
  /** Secret scalar of the epoch's head, 32 bytes. Read, not kept. */
  readonly headSecret: Uint8Array;
  readonly context: EpochContext;
  /** Leaves of the epoch's tree, blank ones included. */
  readonly leafCount: number;
}

interface EpochParts {
  readonly groupId: Uint8Array;
  readonly epoch: number;
  readonly contextHash: Uint8Array;
  readonly authenticator: Uint8Array;
  readonly header: Secret;
  readonly chain: Secret;
  readonly confirmation: Secret;
  readonly payload: Secret;
  readonly exporter: Secret;
  readonly secretTree: SecretTree;
}

export class EpochKeys {
  /** 16 bytes. */
  readonly groupId: Uint8Array;
  readonly epoch: number;
  /** The context that everything here is bound to, 32 bytes; not secret. */
  readonly contextHash: Uint8Array;
  /** 32 bytes that members compare over another channel (`formatAuthenticator`). */
  readonly authenticator: Uint8Array;
  readonly header: Secret;
  readonly chain: Secret;
  readonly payload: Secret;
  readonly secretTree: SecretTree;
  readonly #confirmation: Secret;
  readonly #exporter: Secret;

  private constructor(parts: EpochParts) {
    this.groupId = parts.groupId;
    this.epoch = parts.epoch;
    this.contextHash = parts.contextHash;
    this.authenticator = parts.authenticator;
    this.header = parts.header;
    this.chain = parts.chain;
    this.payload = parts.payload;
    this.secretTree = parts.secretTree;
    this.#confirmation = parts.confirmation;
    this.#exporter = parts.exporter;
  }

  static derive({ chain, headSecret, context, leafCount }: EpochInputs): EpochKeys {
    if (chain.length !== keyBytes || headSecret.length !== keyBytes)
      throw new RangeError('chain and head secret: 32 bytes');
    const contextHash = epochContextHash(context);
    const input = concatBytes(headSecret, contextHash);
    const epochSecret = extractSecret(chain, input);
    input.fill(0);
    const derive = (label: Parameters<typeof expandLabel>[1]) =>
      expandLabel(epochSecret, label, [], keyBytes);
    const keys = new EpochKeys({
      groupId: Uint8Array.from(context.groupId),
      epoch: context.epoch,
      contextHash,
      authenticator: derive(scheduleLabels.authenticator),
      header: new Secret(derive(scheduleLabels.header)),
      chain: new Secret(derive(scheduleLabels.chain)),
      confirmation: new Secret(derive(scheduleLabels.confirmation)),
      payload: new Secret(derive(scheduleLabels.payload)),
      exporter: new Secret(derive(scheduleLabels.exporter)),
      secretTree: SecretTree.fromRoot(derive(scheduleLabels.secretTree), leafCount),
    });
    epochSecret.fill(0);
    return keys;
  }

  /** `confirm` of the frame that made this epoch: whoever can compute it has the same keys. 32 bytes. */
  confirmation(): Uint8Array {
    return hmac(sha256, this.#confirmation.reveal(), this.contextHash);
  }

  /** Never a reason to reject a commit (§5): a mismatch flags the committer. */
  confirms(confirm: Uint8Array): boolean {
    return equalBytes(this.confirmation(), confirm);
  }

  /** A key for the application, as RFC 9420 §8.5. `length` is at most 8,160 bytes. */
  exportKey(label: string, context: Uint8Array, length: number): Uint8Array {
    const perLabel = expandLabel(
      this.#exporter.reveal(),
      scheduleLabels.exporterLabel,
      [utf8ToBytes(label)],
      keyBytes,
    );
    const exported = expandLabel(perLabel, scheduleLabels.exported, [context], length);
    perLabel.fill(0);
    return exported;
  }

  /** The next epoch was adopted: what only the current epoch needs is overwritten. */
  retire(): void {
    for (const secret of [this.chain, this.payload, this.#confirmation, this.#exporter]) secret.wipe();
  }

  get retired(): boolean {
    return this.chain.wiped;
  }

  /** Overwrites everything; late messages of this epoch can no longer be read. */
  wipe(): void {
    this.retire();
    this.header.wipe();
    this.secretTree.wipe();
  }

  /** Everything, secrets included, in a fresh buffer: the caller encrypts it at rest. Not after `wipe`. */
  encode(): Uint8Array {
    const bytesOf = (secret: Secret) => (secret.wiped ? new Uint8Array(0) : secret.reveal());
    return toBinary(
      EpochStateSchema,
      create(EpochStateSchema, {
        groupId: this.groupId,
        epoch: BigInt(this.epoch),
        context: this.contextHash,
        authenticator: this.authenticator,
        header: this.header.reveal(),
        chain: bytesOf(this.chain),
        confirmation: bytesOf(this.#confirmation),
        payload: bytesOf(this.payload),
        exporter: bytesOf(this.#exporter),
        secretTree: this.secretTree.toState(),
      }),
    );
  }

  /** Undefined when the bytes could not have come from `encode`. */
  static decode(bytes: Uint8Array): EpochKeys | undefined {
    const state = decodeCanonical(EpochStateSchema, bytes);
    const epoch = state === undefined ? undefined : safeInteger(state.epoch);
    const secretTree = state?.secretTree === undefined ? undefined : SecretTree.fromState(state.secretTree);
    if (state === undefined || epoch === undefined || secretTree === undefined) return undefined;
    const { groupId, context, authenticator, header, chain, confirmation, payload, exporter } = state;
    if (groupId.length !== 16 || context.length !== keyBytes || authenticator.length !== keyBytes)
      return undefined;
    const lives = [chain, confirmation, payload, exporter];
    const retired = lives.every((secret) => secret.length === 0);
    if (header.length !== keyBytes || !(retired || lives.every((secret) => secret.length === keyBytes))) {
      return undefined;
    }
    const restore = (secret: Uint8Array) => {
      const restored = Secret.copyOf(secret);
      if (retired) restored.wipe();
      return restored;
    };
    return new EpochKeys({
      groupId: Uint8Array.from(groupId),
      epoch,
      contextHash: Uint8Array.from(context),
      authenticator: Uint8Array.from(authenticator),
      header: Secret.copyOf(header),
      chain: restore(chain),
      confirmation: restore(confirmation),
      payload: restore(payload),
      exporter: restore(exporter),
      secretTree,
    });
  }

  toString(): string {
    return `EpochKeys(epoch ${this.epoch})`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
