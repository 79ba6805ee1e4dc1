/** People for scenarios: seeded randomness, members that read a delivery service's log, and the way of an invite. */
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import type { RandomSource } from '@conclave/ristretto';
import { shake256 } from '@noble/hashes/sha3.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type {
  GroupEvent,
  GroupMode,
  LeafIndex,
  MemberDeps,
  RequestedOperation,
  Result,
  Suite,
} from '../../src/index.ts';
import { createSuite, decodeInvite, SealedGroup, SigningKey, verifyInvite } from '../../src/index.ts';
import { DeliveryService, origin } from './delivery-service.ts';

export const startMs = 1_800_000_000_000;
export const openMode: GroupMode = { leafProof: false, minWriter: 'member', ownDevices: true };
export const dayMs = 24 * 60 * 60 * 1000;

/** The same bytes for the same seed: not random, but without repetitions. */
export function seededRandom(seed: string): RandomSource {
  const stream = shake256.create({ dkLen: 32 }).update(utf8ToBytes(seed));
  return { bytes: (length) => stream.xof(length) };
}

export const suite: Suite = createSuite(createNodeEngine());

export function person(name: string, seed = 'people'): MemberDeps {
  const random = seededRandom(`${seed}/${name}`);
  return {
    suite,
    random,
    identity: SigningKey.generate(random),
    profile: { name, deviceName: 'test', picture: undefined },
  };
}

/** The value, or a failure of the test that names the rule. */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.rule}: ${result.detail ?? ''}`);
  return result.value;
}

export function service(options: { limitsRate?: boolean } = {}): DeliveryService {
  return new DeliveryService({ suite, random: seededRandom('delivery service'), nowMs: startMs, ...options });
}

/** One device of one person: its group, what it was told, and how it talks to the service. */
export class Client {
  readonly deps: MemberDeps;
  readonly ds: DeliveryService;
  readonly events: GroupEvent[] = [];
  group: SealedGroup;

  constructor(deps: MemberDeps, ds: DeliveryService, group: SealedGroup) {
    this.deps = deps;
    this.ds = ds;
    this.group = group;
  }

  static create(deps: MemberDeps, ds: DeliveryService, mode: GroupMode = openMode): Client {
    const profile = { name: 'Test group', description: '', picture: undefined };
    const created = valueOf(SealedGroup.create(deps, { origin, mode, nowMs: ds.nowMs, profile }));
    valueOf(ds.post(created.frame));
    const client = new Client(deps, ds, created.group);
    client.sync();
    return client;
  }

  /** Reads the log from where it stands; gives the events of this time. */
  sync(): GroupEvent[] {
    const events: GroupEvent[] = [];
    for (const { seq, bytes } of this.ds.log.slice(this.group.lastSeq)) {
      if (this.group.status === 'removed') break;
      events.push(...valueOf(this.group.processFrame(bytes, seq)));
    }
    this.events.push(...events);
    return events;
  }

  /** Prepares, posts and processes a commit. */
  commit(operations: readonly RequestedOperation[] = []): Result<number> {
    const prepared = valueOf(this.group.prepareCommit({ operations, nowMs: this.ds.nowMs }));
    const posted = this.ds.post(prepared.frame);
    if (posted.ok) this.sync();
    return posted;
  }

  /** Adds leaves in one commit; gives their places. */
  add(...leaves: { role?: 'owner' | 'admin' | 'member' | 'reader'; device?: boolean }[]): LeafIndex[] {
    const before = new Set(this.group.invitableLeaves());
    valueOf(
      this.commit(
        leaves.map(({ role = 'member', device = false }) => ({
          kind: 'add',
          role,
          device,
          expiresAtMs: this.ds.nowMs + 7 * dayMs,
        })),
      ),
    );
    return this.group.invitableLeaves().filter((leaf) => !before.has(leaf));
  }

  /** The encoded invite of a leaf and its roster snapshot. */
  invite(leaf: LeafIndex): { invite: Uint8Array; snapshot: Uint8Array } {
    const sealed = valueOf(this.group.sealRosterFor(leaf));
    const invite = valueOf(this.group.createInvite(leaf, { blobId: Uint8Array.of(leaf, 1), ...sealed }));
    return { invite, snapshot: sealed.bytes };
  }

  /** A person takes an invite and stands where it says, before its first commit. */
  static accept(
    deps: MemberDeps,
    ds: DeliveryService,
    given: { invite: Uint8Array; snapshot: Uint8Array },
  ): Client {
    const invite = valueOf(verifyInvite(suite, valueOf(decodeInvite(given.invite)), { nowMs: ds.nowMs }));
    const commitSeq = ds.seqByEpoch.get(invite.epoch)!;
    const joined = valueOf(
      SealedGroup.join(deps, {
        invite,
        tree: ds.treeByEpoch.get(invite.epoch)!,
        commit: ds.log[commitSeq - 1]!.bytes,
        commitSeq,
        snapshot: given.snapshot,
      }),
    );
    const client = new Client(deps, ds, joined.group);
    client.sync();
    return client;
  }

  /** Accepts and makes the first commit. */
  static join(
    deps: MemberDeps,
    ds: DeliveryService,
    given: { invite: Uint8Array; snapshot: Uint8Array },
  ): Client {
    const client = Client.accept(deps, ds, given);
    valueOf(client.commit());
    return client;
  }

  say(text: string): Result<number> {
    const { frame } = valueOf(
      this.group.encryptMessage({ content: { kind: 'text', text }, nowMs: this.ds.nowMs }),
    );
    return this.ds.post(frame);
  }

  texts(): string[] {
    return this.events.flatMap((event) =>
      event.kind === 'message' && event.content.kind === 'text' ? [event.content.text] : [],
    );
  }

  /** The same member at another service with the same past. */
  copyTo(ds: DeliveryService): Client {
    const copy = new Client(this.deps, ds, this.group);
    copy.restart();
    return copy;
  }

  /** The same member with other capabilities. */
  as(deps: MemberDeps): Client {
    const changed = new Client(deps, this.ds, this.group);
    changed.restart();
    return changed;
  }

  /** Stops and starts again from what was stored. */
  restart(): void {
    const stored = { public: this.group.encodePublic(), secret: this.group.encodeSecret() };
    this.group = valueOf(SealedGroup.decode(this.deps, stored));
  }
}

const template = (() => {
  let made: { ds: DeliveryService; alice: Client; bob: Client; leaf: LeafIndex } | undefined;
  return () => {
    if (made !== undefined) return made;
    const ds = service();
    const alice = Client.create(person('alice'), ds);
    const leaf = alice.add({})[0]!;
    const bob = Client.join(person('bob'), ds, alice.invite(leaf));
    alice.sync();
    made = { ds, alice, bob, leaf };
    return made;
  };
})();

/** Alice, who created the group, and Bob at `leaf`, both joined and in sync; fresh copies each time. */
export function pair(): { ds: DeliveryService; alice: Client; bob: Client; leaf: LeafIndex } {
  const made = template();
  const ds = made.ds.copy();
  return { ds, alice: made.alice.copyTo(ds), bob: made.bob.copyTo(ds), leaf: made.leaf };
}
