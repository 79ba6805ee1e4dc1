/**
 * A long life of one group: people come, go, change roles, race, fall behind, restart and talk, all by chance. After
 * every step the rules of `check` must hold. What was prepared by an honest and current member is never refused by the
 * service, except for having lost its race: client and server share one mind.
 */
import fc from 'fast-check';
import type {
  GroupMode,
  LeafIndex,
  MemberDeps,
  RequestedOperation,
  Role,
  SecretScalar,
} from '../../src/index.ts';
import { administers, publicKeyOf } from '../../src/index.ts';
import { fromBinary } from '@bufbuild/protobuf';
import { bytesToHex } from '@noble/hashes/utils.js';
import { SecretStateSchema } from '../../src/wire/gen/group_state_pb.js';
import type { DeliveryService } from '../group/delivery-service.ts';
import { Client, dayMs, openMode, person, service, suite, valueOf } from '../group/people.ts';

const kinds = [
  'add',
  'add',
  'add',
  'join',
  'join',
  'join',
  'join-all',
  'refresh',
  'remove',
  'set-role',
  'set-mode',
  'leave',
  'race',
  'race',
  'say',
  'say',
  'restart',
  'fall-behind',
  'expire',
  'device',
] as const;

/** What happens next; `a` and `b` are chances from which people, roles and numbers are drawn. */
export interface Step {
  readonly kind: (typeof kinds)[number];
  readonly a: number;
  readonly b: number;
}

export const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...kinds),
  a: fc.nat({ max: 1000 }),
  b: fc.nat({ max: 1000 }),
});

/** Three people come in, so that chance has someone to play with. */
export const beginning: readonly Step[] = [
  { kind: 'add', a: 2, b: 0 },
  { kind: 'join-all', a: 0, b: 0 },
];

interface OpenInvite {
  readonly invite: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly leaf: LeafIndex;
  readonly epoch: number;
  /** Who will take it: a device has the identity of its adder. */
  readonly deps: MemberDeps;
}

/** Someone who was removed and kept everything. */
interface Exile {
  readonly name: string;
  /** The public keys of every secret that it had. */
  readonly keys: ReadonlySet<string>;
  /** The epoch that its removal made. */
  readonly since: number;
}

const roles: readonly Role[] = ['member', 'member', 'admin', 'owner', 'reader'];

export class History {
  readonly ds: DeliveryService = service();
  readonly #maxMembers: number;
  readonly #sealingProof: boolean;
  readonly #seed: string;
  #members: Client[];
  readonly #behind = new Set<Client>();
  readonly #exiles: Exile[] = [];
  readonly #invites: OpenInvite[] = [];
  #effectsSeen = 0;
  #sealedToMembers = 0;
  #peak = 1;
  #people = 0;
  #said = 0;

  constructor(seed: string, options: { maxMembers: number; sealingProof: boolean }) {
    this.#seed = seed;
    this.#maxMembers = options.maxMembers;
    this.#sealingProof = options.sealingProof;
    this.#members = [Client.create(this.#newPerson(), this.ds)];
  }

  /** How much happened: a history in which nothing did proves nothing. */
  get counts(): {
    commits: number;
    peak: number;
    removed: number;
    said: number;
    sealedToMembers: number;
  } {
    const { epoch: commits } = this.ds.group;
    return {
      commits,
      peak: this.#peak,
      removed: this.#exiles.length,
      said: this.#said,
      sealedToMembers: this.#sealedToMembers,
    };
  }

  play({ kind, a, b }: Step): void {
    this.ds.nowMs += 1000;
    this.#settle();
    const joined = this.#current().filter(({ group }) => group.status !== 'joining');
    const someone = joined[a % joined.length]!;
    const other = joined[b % joined.length]!;
    if (kind === 'add') this.#add(a, b);
    else if (kind === 'join') this.#join(1);
    else if (kind === 'join-all') this.#join(3);
    else if (kind === 'refresh') this.#commit(someone, []);
    else if (kind === 'remove') this.#commit(someone, [{ kind: 'remove', leaf: other.group.me.leaf }]);
    else if (kind === 'set-role') this.#setRole(someone, other, roles[b % roles.length]!);
    else if (kind === 'set-mode') this.#commit(someone, [{ kind: 'set-mode', mode: modeOf(b) }]);
    else if (kind === 'leave') this.#leave(someone);
    else if (kind === 'race') this.#race(a, b);
    else if (kind === 'say') this.#say(someone);
    else if (kind === 'restart') someone.restart();
    else if (kind === 'fall-behind') this.#behind.add(someone);
    else if (kind === 'expire') this.ds.nowMs += 2 * dayMs;
    else this.#addDevice(someone);
    this.#settle();
  }

  /** Everybody catches up; then everybody must agree, and nobody else must know. Throws what is wrong. */
  check(): void {
    this.#behind.clear();
    this.#settle();
    const { tree } = this.ds.group;
    const treeHash = bytesToHex(tree.treeHash());
    const authenticators = new Set<string>();
    for (const { group, deps } of this.#members) {
      const { name } = deps.profile;
      if (group.epoch !== this.ds.group.epoch) throw new Error(`${name} is in epoch ${group.epoch}`);
      if (bytesToHex(group.tree.treeHash()) !== treeHash) throw new Error(`${name} has another tree`);
      if (group.authenticator !== undefined) authenticators.add(bytesToHex(group.authenticator));
    }
    if (authenticators.size > 1) throw new Error(`${authenticators.size} different epoch secrets`);
    this.#checkExiles();
    const levels = Math.log2(tree.leafCount);
    for (const { sealed } of this.ds.effects.slice(-1)) {
      if (sealed.length > levels + tree.leafCount) throw new Error('a commit beyond its bounds');
    }
  }

  /** Those in the current epoch. */
  #current(): Client[] {
    return this.#members.filter((client) => !this.#behind.has(client));
  }

  #newPerson() {
    return person(`person ${++this.#people}`, this.#seed);
  }

  /** Whoever is not behind reads the log; who finds itself removed is an exile from then on. */
  #settle(): void {
    for (const client of this.#current()) {
      const before = keysOf(client);
      this.#deliverOutOfOrder(client);
      for (const { seq, bytes } of this.ds.log.slice(client.group.lastSeq)) {
        if (hasEnded(client)) break;
        const options = { sealingProof: this.#sealingProof };
        const events = valueOf(client.group.processFrame(bytes, seq, options));
        for (const event of events) {
          if (event.kind === 'unauthentic-message') throw new Error(event.rule);
          if (event.kind === 'commit-flagged') throw new Error(event.flags.join());
        }
        if (!hasEnded(client)) for (const key of keysOf(client)) before.add(key);
      }
      if (hasEnded(client)) {
        const { name } = client.deps.profile;
        this.#exiles.push({ name, keys: before, since: client.group.epoch });
      }
    }
    this.#members = this.#members.filter(({ group }) => group.status !== 'removed');
  }

  /** What comes too early, or again, changes nothing. */
  #deliverOutOfOrder({ group }: Client): void {
    const { lastSeq } = group;
    const early = this.ds.log.at(-1)!;
    const again = this.ds.log[lastSeq - 1];
    if (early.seq > lastSeq + 1) {
      const processed = group.processFrame(early.bytes, early.seq);
      if (processed.ok || processed.rule !== 'commit/gap') throw new Error('a gap went unnoticed');
    }
    if (again !== undefined && valueOf(group.processFrame(again.bytes, again.seq)).length > 0) {
      throw new Error('a frame was processed twice');
    }
    if (group.lastSeq !== lastSeq) throw new Error('a refused frame moved the cursor');
  }

  /** No secret is ever sealed to a key of someone who was out by then; to members it is, or this would prove nothing. */
  #checkExiles(): void {
    const memberKeys = new Set(this.#members.flatMap((client) => [...keysOf(client)]));
    for (const { epoch, plan } of this.ds.effects.slice(this.#effectsSeen)) {
      for (const recipient of plan.seals.flatMap(({ recipients }) => recipients)) {
        const key = bytesToHex(plan.draft.node(recipient)!.publicKey);
        const exile = this.#exiles.find(({ keys, since }) => since <= epoch && keys.has(key));
        if (exile !== undefined) throw new Error(`${exile.name} can still read epoch ${epoch}`);
        if (memberKeys.has(key)) this.#sealedToMembers += 1;
      }
    }
    this.#effectsSeen = this.ds.effects.length;
  }

  /** True if the service took it. What the member's own rules forbid is not even sent. */
  #commit(client: Client, operations: readonly RequestedOperation[]): boolean {
    const prepared = client.group.prepareCommit({ operations, nowMs: this.ds.nowMs });
    if (!prepared.ok) return false;
    const posted = this.ds.post(prepared.value.frame);
    if (!posted.ok) throw new Error(`refused: ${posted.rule} ${posted.detail ?? ''}`);
    this.#settle();
    return true;
  }

  #add(a: number, b: number): void {
    const adder = this.#current().find(({ group }) => {
      const me = group.members().find(({ isMe }) => isMe)!;
      return !me.isPending && administers(me.role) && !me.device;
    });
    const room = this.#maxMembers - this.#members.length - this.#invites.length;
    if (adder === undefined || room <= 0) return;
    const count = Math.min(room, 1 + (a % 3));
    const role = this.ds.group.mode.leafProof ? roles[b % roles.length]! : 'member';
    const operations = Array.from({ length: count }, (): RequestedOperation => {
      return { kind: 'add', role, device: false, expiresAtMs: this.ds.nowMs + 3 * dayMs };
    });
    this.#invite(adder, operations);
  }

  #addDevice(adder: Client): void {
    if (this.#members.length + this.#invites.length >= this.#maxMembers) return;
    const me = adder.group.members().find(({ isMe }) => isMe)!;
    const expiresAtMs = this.ds.nowMs + 3 * dayMs;
    this.#invite(adder, [{ kind: 'add', role: me.role, device: true, expiresAtMs }], true);
  }

  #invite(adder: Client, operations: readonly RequestedOperation[], device = false): void {
    const before = new Set(adder.group.invitableLeaves());
    if (!this.#commit(adder, operations)) return;
    for (const leaf of adder.group.invitableLeaves()) {
      if (before.has(leaf)) continue;
      const newcomer = this.#newPerson();
      const deps = device ? { ...newcomer, identity: adder.deps.identity } : newcomer;
      this.#invites.push({ ...adder.invite(leaf), leaf, epoch: adder.group.epoch, deps });
    }
  }

  #join(count: number): void {
    for (const given of this.#invites.splice(0, count)) {
      const leaf = this.ds.group.tree.leaf(given.leaf);
      const isThere = leaf !== undefined && leaf.epoch === given.epoch && leaf.expiresAtMs !== undefined;
      if (!isThere || leaf.expiresAtMs <= this.ds.nowMs) continue;
      const client = Client.accept(given.deps, this.ds, given);
      if (hasEnded(client)) continue;
      this.#members.push(client);
      this.#peak = Math.max(this.#peak, this.#members.length);
      this.#commit(client, []);
    }
  }

  #setRole(someone: Client, other: Client, role: Role): void {
    if (role === 'reader' && !this.ds.group.mode.leafProof) return;
    this.#commit(someone, [{ kind: 'set-role', leaf: other.group.me.leaf, role }]);
  }

  #leave(someone: Client): void {
    const left = someone.group.leave({ nowMs: this.ds.nowMs });
    if (!left.ok) return;
    const posted = this.ds.post(left.value.frame);
    if (!posted.ok && posted.rule !== 'commit/leave-last-owner') throw new Error(posted.rule);
  }

  /** Several commit in the same epoch; one wins, the others prepare again; one of them restarts in between. */
  #race(a: number, b: number): void {
    const racers = this.#current().slice(0, 3);
    const frames = racers.flatMap((racer) => {
      const prepared = racer.group.prepareCommit({ operations: [], nowMs: this.ds.nowMs });
      return prepared.ok ? [{ racer, frame: prepared.value.frame }] : [];
    });
    racers[b % racers.length]!.restart();
    const order = a % 2 === 0 ? frames : frames.toReversed();
    const results = order.map(({ frame }) => this.ds.post(frame));
    const won = results.filter(({ ok }) => ok).length;
    if (won !== 1) throw new Error(`${won} commits won one epoch`);
    this.#settle();
    for (const { racer } of order.slice(1)) {
      if (this.#members.includes(racer)) this.#commit(racer, []);
    }
  }

  #say(someone: Client): void {
    const text = `message ${++this.#said}`;
    const made = someone.group.encryptMessage({ content: { kind: 'text', text }, nowMs: this.ds.nowMs });
    if (!made.ok) return;
    const posted = this.ds.post(made.value.frame);
    if (posted.ok || posted.rule === 'commit/message-writer') return;
    throw new Error(posted.rule);
  }
}

function modeOf(b: number): GroupMode {
  const modes: readonly GroupMode[] = [
    openMode,
    { leafProof: true, minWriter: 'member', ownDevices: true },
    { leafProof: true, minWriter: 'admin', ownDevices: false },
  ];
  return modes[b % modes.length]!;
}

function hasEnded(client: Client): boolean {
  return client.group.status === 'removed';
}

/** The public keys of every secret that the member stores: what it could open with them is sealed to one of these. */
function keysOf(client: Client): Set<string> {
  const { path } = fromBinary(SecretStateSchema, client.group.encodeSecret());
  return new Set(path.map(({ secret }) => bytesToHex(publicKeyOf(suite, secret as SecretScalar))));
}
