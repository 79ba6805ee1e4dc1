/**
 * Invites that a malicious inviter hands out, or that a lying server gives false answers to: the honest client says by which rule it
 * refuses, is in no group afterwards, and keeps nothing of the invite. Rosters that are false cost names only: it joins, and says so.
 */
import { systemRandom } from '@conclave/platform';
import { encodeBody, encodeFrame, parseFrame, Secret } from '@conclave/sealed-group';
import type { CommitContent, RuleId } from '@conclave/sealed-group';
import { startLyingServer, valueOf } from '@conclave/testkit';
import type { LyingServer } from '@conclave/testkit';
import { SigningKey } from '../../../../packages/sealed-group/src/identity/index.ts';
import type { Roster } from '../../../../packages/sealed-group/src/identity/index.ts';
import { sealRosterSnapshot } from '../../../../packages/sealed-group/src/identity/roster-snapshot.ts';
import type { SealedSnapshot } from '../../../../packages/sealed-group/src/identity/roster-snapshot.ts';
import { markOf } from '../attack.ts';
import type { HonestProcess } from '../honest/honest-process.ts';
import { patienceMs } from '../honest/honest-process.ts';
import { flipped, order, scalarBytes } from '../mallory/bad-encodings.ts';
import { changedInvite, linkTo, makeInvite } from '../mallory/invitation.ts';
import type { Mallory } from '../mallory/mallory.ts';
import { oddRoster } from '../mallory/odd-insides.ts';
import { joined, numberField } from '../mallory/protobuf.ts';
import { founderSays, openArena, patiently } from '../stage.ts';
import type { Arena, Stage } from '../stage.ts';

const part = 'newcomers';

interface Scene {
  readonly founder: Mallory;
  readonly lying: LyingServer;
}

interface FalseInvite {
  readonly name: string;
  readonly breaks: RuleId;
  /** `INVITE_INVALID` if absent. */
  readonly code?: string;
  /** The link that the newcomer is given; whatever lies there are have been told. */
  readonly give: (scene: Scene) => Promise<string>;
}

/** The fields of an honest invite changed, and signed again. */
function fields(
  breaks: RuleId,
  name: string,
  change: Parameters<typeof changedInvite>[2],
  code?: string,
): FalseInvite {
  return {
    name,
    breaks,
    ...(code === undefined ? {} : { code }),
    async give({ founder, lying }) {
      const invite = changedInvite(founder, await makeInvite(founder, 'member'), change);
      return await linkTo(founder, invite, { via: lying.url });
    },
  };
}

/** The octets of an honest invite changed, before they are sealed. */
function octets(breaks: RuleId, name: string, change: (invite: Uint8Array) => Uint8Array): FalseInvite {
  return {
    name,
    breaks,
    async give({ founder, lying }) {
      return await linkTo(founder, change(await makeInvite(founder, 'member')), { via: lying.url });
    },
  };
}

const falseInvites: readonly FalseInvite[] = [
  {
    name: 'other octets than the inviter sealed',
    breaks: 'invite/opens',
    async give({ founder, lying }) {
      const invite = await makeInvite(founder, 'member');
      return await linkTo(founder, invite, { via: lying.url, change: (sealed) => flipped(sealed, 40) });
    },
  },
  octets('invite/form', 'a field that there is not', (invite) => joined(invite, numberField(15, 1))),
  octets('invite/form', 'nine thousand octets', (invite) => joined(invite, new Uint8Array(9_000))),
  octets('invite/form', 'no invite at all', () => new Uint8Array(64).fill(255)),
  // Body (tag, two octets of length), in it the version (tag, value).
  octets('invite/version', 'another version', (invite) => invite.with(4, 2)),
  octets('invite/signature', 'a false signature', (invite) => flipped(invite, -1)),
  octets('invite/signature', 'another origin than was signed', (invite) => flipped(invite, 12)),
  fields('invite/leaf-secret', 'zero for the leaf’s secret', () => ({
    leafSecret: new Secret(new Uint8Array(32)),
  })),
  fields('invite/leaf-secret', 'the group’s order for the leaf’s secret', () => ({
    leafSecret: new Secret(scalarBytes(order)),
  })),
  fields(
    'invite/expired',
    'an invite of yesterday',
    ({ expiresAtMs }) => ({ expiresAtMs: expiresAtMs - 8 * 86_400_000 }),
    'INVITE_EXPIRED',
  ),
  fields('invite/tree-hash', 'another tree', () => ({ treeHash: systemRandom.bytes(32) })),
  fields('invite/leaf', 'an hour more than the leaf has', ({ expiresAtMs }) => ({
    expiresAtMs: expiresAtMs + 3_600_000,
  })),
  fields('invite/leaf', 'another inviter than who added the leaf', ({ inviter }) => ({
    inviter: { ...inviter, leaf: 1 as typeof inviter.leaf },
  })),
  {
    name: 'the server gives other octets than were stored',
    breaks: 'invite/opens',
    async give({ founder, lying }) {
      lying.rewrite(/\/transfer\/v1\/[^/]+\/read$/, (sealed) => flipped(sealed, -1));
      return await founder.inviteLink('member', lying.url);
    },
  },
  {
    name: 'the server gives the tree of another epoch',
    breaks: 'invite/tree-hash',
    async give({ founder, lying }) {
      const { octets: before } = await founder.member.ask('GET', '/tree');
      lying.rewrite(/\/tree$/, () => before);
      return await founder.inviteLink('member', lying.url);
    },
  },
  {
    name: 'the server gives another’s commit for the one that added the leaf',
    breaks: 'commit/adding-commit',
    async give({ founder, lying }) {
      const link = await founder.inviteLink('member', lying.url);
      const seq = founder.member.group.lastSeq;
      const { frames } = await founder.member.readLog(seq - 1, 1);
      lying.replace(seq, byAnother(frames[0]!.frame));
      return link;
    },
  },
];

/** What became of a link on its way. Nothing is read by it: the link as it was still works. */
const damages: readonly (readonly [RuleId, string, (link: string) => string])[] = [
  ['invite/link-form', 'another path', (link) => link.replace('/i#', '/j#')],
  ['invite/link-form', 'another scheme', (link) => link.replace(/^http/, 'ftp')],
  ['invite/link-complete', 'its fragment cut off', (link) => link.slice(0, link.indexOf('#'))],
  ['invite/link-complete', 'its key cut off', (link) => link.slice(0, link.indexOf('.', link.indexOf('#')))],
  [
    'invite/link-checksum',
    'one letter mistyped',
    (link) => `${link.slice(0, -8)}${mistyped(link.at(-8)!)}${link.slice(-7)}`,
  ],
  ['invite/link-checksum', 'its last letters lost', (link) => link.slice(0, -4)],
];

interface FalseRoster {
  readonly name: string;
  readonly breaks: RuleId;
  readonly roster?: (mallory: Mallory, roster: SealedSnapshot) => SealedSnapshot;
  /** What the invite says of it. */
  readonly reference?: (roster: SealedSnapshot) => SealedSnapshot;
  readonly signedBy?: SigningKey;
}

const falseRosters: readonly FalseRoster[] = [
  {
    name: 'another roster than the invite has the hash of',
    breaks: 'identity/snapshot-hash',
    reference: (roster) => ({ ...roster, sha256: systemRandom.bytes(32) }),
  },
  {
    name: 'a roster that the invite’s key does not open',
    breaks: 'identity/snapshot-decrypts',
    reference: (roster) => ({ ...roster, key: systemRandom.bytes(32) }),
  },
  {
    name: 'a roster with padding that is not zero',
    breaks: 'identity/snapshot-form',
    roster: (mallory, roster) => oddRoster(mallory, roster, (padded) => flipped(padded, -1)),
  },
  {
    name: 'a roster with everybody in it twice',
    breaks: 'identity/snapshot-duplicate',
    roster: withEveryoneTwice,
  },
  {
    name: 'an invite by an identity that the roster does not know',
    breaks: 'invite/inviter-listed',
    signedBy: SigningKey.generate(systemRandom),
  },
];

export async function inviteFalsely(stage: Stage): Promise<void> {
  await Promise.all([refuseInvites(stage), ...falseRosters.map((one) => joinInSpite(stage, one))]);
}

/** All in one group, which Bo joins in the end by the link that was damaged: the control of all of them. */
async function refuseInvites(stage: Stage): Promise<void> {
  await using lying = await startLyingServer({ target: stage.url });
  const bo = stage.people[1]!;
  const arena = await openArena(stage, 'false invites', { people: [] });
  const scene: Scene = { founder: arena.founder, lying };
  const trials: Parameters<typeof note>[1][] = [];
  for (const { name, breaks, code = 'INVITE_INVALID', give } of falseInvites) {
    await arena.founder.member.sync();
    const link = await give(scene);
    const { observed, faults } = await refused(stage, arena, bo, link, `${code} ${breaks}`);
    lying.beHonest();
    // Neither is it tried again at the next start.
    const again = await bo.call('tryJoin', link);
    if (again.refusal !== 'INVITE_ALREADY_READ') faults.push(`used again: ${again.refusal ?? 'joined'}`);
    trials.push({ name, target: breaks, expected: `${code} ${breaks}`, observed, faults });
  }
  await arena.founder.member.sync();
  const invite = await makeInvite(arena.founder, 'member');
  const link = await linkTo(
    arena.founder,
    changedInvite(arena.founder, invite, () => ({})),
    { via: lying.url },
  );
  for (const [rule, name, damage] of damages) {
    const expected = `INVITE_INVALID ${rule}`;
    const { observed, faults } = await refused(stage, arena, bo, damage(link), expected);
    trials.push({ name: `a link, ${name}`, target: rule, expected, observed, faults });
  }
  const wrong = await joinsCalmly(arena, bo, link);
  for (const trial of trials) note(stage, trial, wrong);
}

async function refused(
  stage: Stage,
  { groupId }: Arena,
  person: HonestProcess,
  link: string,
  expected: string,
): Promise<{ readonly observed: string; readonly faults: string[] }> {
  const rowsBefore = stage.database.ofGroup(groupId);
  const { refusal: observed = 'joined' } = await person.call('tryJoin', link);
  const faults = observed === expected ? [] : [`answered ${observed}`];
  if (stage.database.ofGroup(groupId) !== rowsBefore) faults.push('the database changed');
  if (await person.call('isIn', groupId)) faults.push(`${person.name} is in the group`);
  return { observed, faults };
}

/** Bo joins and is warned; Ada, by an honest invite to the same group, is not. */
async function joinInSpite(
  stage: Stage,
  { name, breaks, roster, reference = (sealed) => sealed, signedBy }: FalseRoster,
): Promise<void> {
  const [ada, bo] = stage.people as [HonestProcess, HonestProcess];
  const arena = await openArena(stage, name, { people: [] });
  const { founder, groupId } = arena;
  const invite = await makeInvite(founder, 'member', (sealed) => roster?.(founder, sealed) ?? sealed);
  const link = await linkTo(
    founder,
    changedInvite(
      founder,
      invite,
      (said) => {
        const { sha256, key } = reference({
          bytes: new Uint8Array(0),
          sha256: said.roster.sha256,
          key: said.roster.key.reveal(),
        });
        return { roster: { ...said.roster, sha256, key: Secret.copyOf(key) } };
      },
      signedBy,
    ),
  );
  const { refusal } = await bo.call('tryJoin', link);
  const faults = refusal === undefined ? [] : [`answered ${refusal}`];
  const warnings = refusal === undefined ? await bo.call('warnings', groupId) : [];
  if (!warnings.some((warning) => warning.kind === 'misbehaviour' && warning.rule === breaks)) {
    faults.push(`Bo says ${JSON.stringify(warnings)}`);
  }
  // Names come with the next commits; from then on who joined by a false roster talks like everybody.
  await founder.member.sync();
  await patiently(() => founder.member.commit());
  const wrong = await joinsCalmly({ ...arena, people: refusal === undefined ? [bo] : [] }, ada);
  const observed = refusal ?? 'joined';
  note(stage, { name, target: breaks, expected: 'joined, and said so', observed, faults }, wrong);
}

/** What is wrong with an honest join: nothing, or the refusals say nothing. Whoever is there already hears the newcomer too. */
async function joinsCalmly(arena: Arena, person: HonestProcess, link?: string): Promise<string | undefined> {
  const { founder, groupId } = arena;
  const { refusal } = await person.call('tryJoin', link ?? (await founder.inviteLink('member')));
  if (refusal !== undefined) return `answered ${refusal}`;
  if ((await person.call('warnings', groupId)).length > 0) return `${person.name} was warned`;
  await founder.member.sync();
  const people = [...arena.people, person];
  const spoken = await founderSays({ ...arena, people }, 'welcome');
  if (spoken !== undefined) return spoken;
  await person.call('say', { group: groupId, text: 'thank you' });
  const argument = { group: groupId, text: 'thank you', timeoutMs: patienceMs };
  const heard = await Promise.all(people.map((listener) => listener.call('waitForText', argument)));
  return heard.every(Boolean) ? undefined : `not everybody hears ${person.name}`;
}

function note(
  stage: Stage,
  outcome: {
    readonly name: string;
    readonly target: RuleId;
    readonly expected: string;
    readonly observed: string;
    readonly faults: readonly string[];
  },
  control: string | undefined,
): void {
  const { target, faults } = outcome;
  stage.outcomes.push({
    ...outcome,
    part,
    mark: markOf(target),
    faults: control === undefined ? faults : [...faults, `the control: ${control}`],
    isControlled: control === undefined,
    exercises: faults.length === 0,
  });
}

/** The frame in the name of the leaf beside its own. */
function byAnother(bytes: Uint8Array): Uint8Array {
  const { header, content, trailer } = valueOf(parseFrame(bytes));
  const { committer, ...rest } = content as CommitContent;
  return encodeFrame(encodeBody(header, { ...rest, committer: committer ^ 1 }), trailer);
}

function withEveryoneTwice({ member: { group }, state: { roster } }: Mallory): SealedSnapshot {
  const entries = roster.entries();
  const twice = { profile: roster.profile, entries: () => [...entries, ...entries] } as Roster;
  return sealRosterSnapshot({ groupId: group.groupId, epoch: group.epoch }, twice, systemRandom);
}

function mistyped(letter: string): string {
  return letter === '7' ? '8' : '7';
}
