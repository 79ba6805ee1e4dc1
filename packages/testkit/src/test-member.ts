/**
 * One device of one person in one sealed group of a real server, over its public HTTP surface and nothing else: what the
 * server's own tests and the end-to-end tests share. It is deliberately simple-minded: every call is one or a few requests,
 * nothing is retried, refusals are answers. The real client, with storage and recovery, is `@conclave/sdk`.
 */
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { createHash } from 'node:crypto';
import { systemClock, systemRandom } from '@conclave/platform';
import {
  createSuite,
  decodeInvite,
  parseFrame,
  publicKeyOf,
  SealedGroup,
  signChallenge,
  SigningKey,
  verifyInvite,
} from '@conclave/sealed-group';
import type {
  GroupEvent,
  GroupMode,
  Invite,
  LeafIndex,
  MemberDeps,
  PreparedFrame,
  RequestedOperation,
  Result,
  Role,
  SecretScalar,
  Suite,
} from '@conclave/sealed-group';

/** The fields of all JSON answers; which of them are there depends on the answer. */
export interface AnswerBody {
  readonly errcode: string;
  readonly error: string;
  readonly rule: string;
  readonly seq: number;
  readonly epoch: number;
  readonly last_seq: number;
  /** Where publications come from, if not from the server's own origin. */
  readonly gateway_url?: string;
  readonly frames: readonly { readonly seq: number; readonly epoch: number; readonly frame: string }[];
  readonly leaves: readonly {
    readonly leaf: number;
    readonly leaf_epoch: number;
    readonly signature: string;
  }[];
  readonly challenge: string;
  readonly read_token: string;
  readonly retry_after_ms: number;
  readonly channel: string;
  readonly connection_token: string;
  readonly subscription_token: string;
  readonly expires_at: number;
}

/** An answer of the server; `body` is the parsed JSON, `octets` what came. */
export interface ServerAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnswerBody;
  readonly octets: Uint8Array;
}

export interface LogPage {
  readonly frames: readonly { readonly seq: number; readonly epoch: number; readonly frame: Uint8Array }[];
  readonly lastSeq: number;
}

export type SubscriptionGrant = Pick<
  AnswerBody,
  'channel' | 'connection_token' | 'subscription_token' | 'expires_at' | 'last_seq' | 'gateway_url'
>;

/** What a newcomer is given. */
export interface GivenInvite {
  readonly invite: Uint8Array;
  readonly snapshot: Uint8Array;
}

export interface TestMemberOptions {
  readonly url: string;
  readonly name: string;
  readonly nowMs?: () => number;
  /** Who it is; a new person of this name unless given: for a further device of somebody. */
  readonly deps?: MemberDeps;
}

/** How many days an added leaf may stay pending. */
const invitationMs = 7 * 24 * 60 * 60 * 1000;

/** The same for all: tables of multiples take a moment to make. */
export const testSuite: Suite = createSuite(createNodeEngine());

export const defaultMode: GroupMode = { leafProof: false, minWriter: 'member', ownDevices: true };

export class TestMember {
  readonly url: string;
  readonly deps: MemberDeps;
  readonly events: GroupEvent[] = [];
  readonly nowMs: () => number;
  group: SealedGroup;
  #token: string | undefined;
  /** An own commit whose fate is unknown. */
  #posted: Uint8Array | undefined;

  private constructor(options: TestMemberOptions, deps: MemberDeps, group: SealedGroup) {
    this.url = options.url;
    this.nowMs = options.nowMs ?? (() => systemClock.nowMs());
    this.deps = deps;
    this.group = group;
  }

  /** A new group, posted with the account's access token. Throws unless the server answers 201. */
  static async create(
    options: TestMemberOptions & {
      readonly accessToken: string;
      readonly origin: string;
      readonly mode?: GroupMode;
    },
  ): Promise<TestMember> {
    const deps = options.deps ?? personOf(options.name);
    const nowMs = (options.nowMs ?? (() => systemClock.nowMs()))();
    const { origin, mode = defaultMode } = options;
    const { group, frame } = valueOf(SealedGroup.create(deps, { origin, mode, nowMs }));
    const answer = await postCreate(options.url, frame, options.accessToken);
    if (answer.status !== 201) throw refusal('creating a group', answer);
    const member = new TestMember(options, deps, group);
    await member.sync();
    return member;
  }

  /** Takes an invite and stands where it says: a pending leaf that may read. `commit()` makes it a member. */
  static async accept(options: TestMemberOptions, given: GivenInvite): Promise<TestMember> {
    const deps = options.deps ?? personOf(options.name);
    const nowMs = (options.nowMs ?? (() => systemClock.nowMs()))();
    const invite = valueOf(verifyInvite(testSuite, valueOf(decodeInvite(given.invite)), { nowMs }));
    const token = await readTokenOfInvite(options.url, invite);
    const group = base64url(invite.groupId);
    const tree = await ask(options.url, 'GET', `${groupPath(group)}/tree?epoch=${invite.epoch}`, { token });
    if (tree.status !== 200) throw refusal('reading the tree', tree);
    const adding = await findCommit(options.url, group, token, invite.epoch - 1);
    const joined = valueOf(
      SealedGroup.join(deps, {
        invite,
        tree: tree.octets,
        commit: adding.frame,
        commitSeq: adding.seq,
        snapshot: given.snapshot,
      }),
    );
    const member = new TestMember(options, deps, joined.group);
    member.#token = token;
    await member.sync();
    return member;
  }

  /** Accepts an invite and makes the first commit. */
  static async join(options: TestMemberOptions, given: GivenInvite): Promise<TestMember> {
    const member = await TestMember.accept(options, given);
    const answer = await member.commit();
    if (answer.status !== 200) throw refusal('the first commit', answer);
    return member;
  }

  /** As in paths: base64url. */
  get groupId(): string {
    return base64url(this.group.groupId);
  }

  get path(): string {
    return groupPath(this.groupId);
  }

  // Frames.

  prepareCommit(operations: readonly RequestedOperation[] = []): PreparedFrame {
    const prepared = valueOf(this.group.prepareCommit({ operations, nowMs: this.nowMs() }));
    this.#posted = prepared.frame;
    return prepared;
  }

  prepareText(text: string): PreparedFrame {
    return valueOf(this.group.encryptMessage({ content: { kind: 'text', text }, nowMs: this.nowMs() }));
  }

  async post(frame: Uint8Array): Promise<ServerAnswer> {
    return await postFrame(this.url, this.groupId, frame);
  }

  /** Prepares and posts; reads the log when it was accepted. */
  async commit(operations: readonly RequestedOperation[] = []): Promise<ServerAnswer> {
    const answer = await this.post(this.prepareCommit(operations).frame);
    if (answer.status === 200) await this.sync();
    return answer;
  }

  async say(text: string): Promise<ServerAnswer> {
    return await this.post(this.prepareText(text).frame);
  }

  async leave(): Promise<ServerAnswer> {
    return await this.post(valueOf(this.group.leave({ nowMs: this.nowMs() })).frame);
  }

  /** Adds leaves in one commit and gives their places. Throws unless it is accepted. */
  async add(...roles: readonly Role[]): Promise<LeafIndex[]> {
    const before = new Set(this.group.invitableLeaves());
    const expiresAtMs = this.nowMs() + invitationMs;
    const answer = await this.commit(
      roles.map((role) => ({ kind: 'add', role, device: false, expiresAtMs })),
    );
    if (answer.status !== 200) throw refusal('adding leaves', answer);
    return this.group.invitableLeaves().filter((leaf) => !before.has(leaf));
  }

  invite(leaf: LeafIndex): GivenInvite {
    const sealed = valueOf(this.group.sealRosterFor(leaf));
    const blobId = systemRandom.bytes(16);
    return { invite: valueOf(this.group.createInvite(leaf, { blobId, ...sealed })), snapshot: sealed.bytes };
  }

  /** Adds a person and lets it join; both are up to date afterwards. */
  async welcome(name: string, role: Role = 'member'): Promise<TestMember> {
    const [leaf] = await this.add(role);
    const { url, nowMs } = this;
    const joined = await TestMember.join({ url, name, nowMs }, this.invite(leaf!));
    await this.sync();
    return joined;
  }

  // Reading.

  /** Sends the token that it has, or a new one. */
  async ask(method: string, path: string, extra: Omit<RequestInput, 'token'> = {}): Promise<ServerAnswer> {
    this.#token ??= await this.newReadToken();
    return await ask(this.url, method, this.path + path, { ...extra, token: this.#token });
  }

  /** The token in use; undefined before the first read. */
  get readToken(): string | undefined {
    return this.#token;
  }

  forgetReadToken(): void {
    this.#token = undefined;
  }

  /** By the leaf as this member knows it, or else as its own commit of unknown fate would have made it [F9]. */
  async newReadToken(by: 'highest' | 'leaf' = 'leaf'): Promise<string> {
    let answer = await this.redeem(await this.challenge(), by);
    const accepted = answer.status === 200 ? undefined : this.#asIfAccepted();
    if (accepted !== undefined) answer = await this.redeem(await this.challenge(), 'leaf', accepted);
    if (answer.status !== 200) throw refusal('proving membership', answer);
    return answer.body.read_token;
  }

  #asIfAccepted(): SealedGroup | undefined {
    if (this.#posted === undefined) return undefined;
    const { group } = this;
    const stored = { public: group.encodePublic(), secret: group.encodeSecret() };
    const copy = valueOf(SealedGroup.decode(this.deps, stored));
    return copy.processFrame(this.#posted, copy.lastSeq + 1, { sealingProof: false }).ok ? copy : undefined;
  }

  async challenge(): Promise<string> {
    return (await ask(this.url, 'POST', `${this.path}/challenge`)).body.challenge;
  }

  async redeem(
    challenge: string,
    by: 'highest' | 'leaf' = 'leaf',
    group: SealedGroup = this.group,
  ): Promise<ServerAnswer> {
    const { node, signature } = valueOf(group.proveReading(fromBase64url(challenge), by));
    return await ask(this.url, 'POST', `${this.path}/token`, {
      json: { challenge, node, signature: base64url(signature) },
    });
  }

  async readLog(after: number, limit?: number): Promise<LogPage> {
    const query = limit === undefined ? '' : `&limit=${limit}`;
    let answer = await this.ask('GET', `/frames?after=${after}${query}`);
    if (answer.status === 403) {
      // A removal has voided the token, or it has expired: once more with a new one.
      this.forgetReadToken();
      answer = await this.ask('GET', `/frames?after=${after}${query}`);
    }
    if (answer.status !== 200) throw refusal('reading the log', answer);
    return pageOf(answer);
  }

  /** Reads the log to its end and processes it; gives the events of this time. */
  async sync(): Promise<GroupEvent[]> {
    const events: GroupEvent[] = [];
    for (;;) {
      const page = await this.readLog(this.group.lastSeq);
      for (const { seq, frame } of page.frames) events.push(...this.process(frame, seq));
      if (page.frames.length === 0 || this.group.lastSeq >= page.lastSeq) break;
    }
    return events;
  }

  process(frame: Uint8Array, seq: number): readonly GroupEvent[] {
    const events = valueOf(this.group.processFrame(frame, seq, { sealingProof: false }));
    this.events.push(...events);
    return events;
  }

  async subscribe(): Promise<SubscriptionGrant> {
    const answer = await this.ask('POST', '/subscription');
    if (answer.status !== 200) throw refusal('asking for a subscription', answer);
    return answer.body;
  }

  /** What others said, in the order of the log. */
  texts(): string[] {
    return this.events.flatMap((event) =>
      event.kind === 'message' && event.content.kind === 'text' ? [event.content.text] : [],
    );
  }

  // Blobs.

  /** The headers that go with these octets, and the id and capability that were drawn for them. */
  proveBlob(octets: Uint8Array, sizeBytes: number = octets.length): ProvenUpload {
    const blobId = systemRandom.bytes(16);
    const capability = systemRandom.bytes(32);
    const sha256 = new Uint8Array(createHash('sha256').update(octets).digest());
    const { epoch, signature } = valueOf(this.group.proveBlob({ blobId, sizeBytes, sha256 }));
    return {
      path: `${this.path}/blobs/${base64url(blobId)}`,
      capability: base64url(capability),
      headers: {
        'content-type': 'application/octet-stream',
        'x-conclave-epoch': String(epoch),
        'x-conclave-sha256': base64url(sha256),
        'x-conclave-proof': base64url(signature),
        'x-conclave-delete-hash': createHash('sha256').update(capability).digest('base64url'),
      },
    };
  }
}

export interface ProvenUpload {
  readonly path: string;
  readonly capability: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface RequestInput {
  readonly token?: string;
  readonly json?: unknown;
  readonly octets?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request. */
export async function ask(
  url: string,
  method: string,
  path: string,
  { token, json, octets, headers }: RequestInput = {},
): Promise<ServerAnswer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(octets === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(octets === undefined ? {} : { body: Uint8Array.from(octets) }),
  });
  const received = new Uint8Array(await response.arrayBuffer());
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson ? JSON.parse(Buffer.from(received).toString('utf8')) : {}) as AnswerBody,
    octets: received,
  };
}

export function groupPath(groupId: string): string {
  return `/_conclave/sealed/v1/groups/${groupId}`;
}

export async function postFrame(url: string, groupId: string, frame: Uint8Array): Promise<ServerAnswer> {
  return await ask(url, 'POST', `${groupPath(groupId)}/frames`, { octets: frame });
}

export async function postCreate(url: string, frame: Uint8Array, accessToken: string): Promise<ServerAnswer> {
  return await ask(url, 'POST', '/_conclave/sealed/v1/groups', { octets: frame, token: accessToken });
}

/** A person with keys of its own. */
export function personOf(name: string): MemberDeps {
  return {
    suite: testSuite,
    random: systemRandom,
    identity: SigningKey.generate(systemRandom),
    profile: { name, deviceName: 'test', picture: undefined },
  };
}

/** The value, or a failure of the test that names the rule. */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.rule}: ${result.detail ?? ''}`);
  return result.value;
}

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

export function fromBase64url(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64url'));
}

function pageOf({ body }: ServerAnswer): LogPage {
  return {
    lastSeq: body.last_seq,
    frames: body.frames.map(({ seq, epoch, frame }) => ({
      seq,
      epoch,
      frame: Uint8Array.from(Buffer.from(frame, 'base64')),
    })),
  };
}

/** A newcomer's first token: by its leaf, whose secret the invite holds. */
async function readTokenOfInvite(url: string, invite: Invite): Promise<string> {
  const path = groupPath(base64url(invite.groupId));
  const { challenge } = (await ask(url, 'POST', `${path}/challenge`)).body;
  const secret = Uint8Array.from(invite.leafSecret.reveal()) as SecretScalar;
  const signature = signChallenge(testSuite, {
    origin: invite.origin,
    groupId: invite.groupId,
    challenge: fromBase64url(challenge),
    secret,
    publicKey: publicKeyOf(testSuite, secret),
    hedge: { secret, random: systemRandom, context: fromBase64url(challenge) },
  });
  const answer = await ask(url, 'POST', `${path}/token`, {
    json: { challenge, node: 2 * invite.leaf, signature: base64url(signature) },
  });
  if (answer.status !== 200) throw refusal('proving a pending leaf', answer);
  return answer.body.read_token;
}

/** The accepted commit that was made in `epoch`. */
async function findCommit(
  url: string,
  groupId: string,
  token: string,
  epoch: number,
): Promise<{ seq: number; frame: Uint8Array }> {
  let after = 0;
  for (;;) {
    const answer = await ask(url, 'GET', `${groupPath(groupId)}/frames?after=${after}&limit=500`, { token });
    if (answer.status !== 200) throw refusal('reading the log', answer);
    const { frames } = pageOf(answer);
    for (const logged of frames) {
      const parsed = logged.epoch === epoch ? parseFrame(logged.frame) : undefined;
      if (parsed?.ok === true && parsed.value.content.kind === 'commit') return logged;
    }
    after = frames.at(-1)?.seq ?? after;
    if (frames.length === 0) throw new Error(`no commit was made in epoch ${epoch}`);
  }
}

function refusal(what: string, { status, body }: ServerAnswer): Error {
  return new Error(`${what} was answered with ${status} ${JSON.stringify(body)}`);
}
