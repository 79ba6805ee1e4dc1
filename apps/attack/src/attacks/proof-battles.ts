/** Every forged proof in a group of its own, some groups at a time; creates; and the limit of sealed nodes. */
import { systemRandom } from '@conclave/platform';
import {
  encodeBody,
  encodeCreateTrailer,
  encodeFrame,
  parseFrame,
  SealedGroup,
} from '@conclave/sealed-group';
import type { CreateFrame, GroupMode, RuleId } from '@conclave/sealed-group';
import { defaultMode, personOf, postCreate, valueOf } from '@conclave/testkit';
import { answerFor, answerText, markOf } from '../attack.ts';
import { hashOfFrame } from '../database-view.ts';
import { badPoints, flipped } from '../mallory/bad-encodings.ts';
import { besiege } from '../siege.ts';
import { openArena, patiently, serverName } from '../stage.ts';
import type { Stage } from '../stage.ts';
import { attack } from './owner-rules.ts';
import { proofForgeries } from './proof-forgeries.ts';

/** Groups at a time: while one waits for its second to pass, others are at work. */
const concurrency = 6;

export async function forgeProofs(stage: Stage): Promise<void> {
  const left = proofForgeries().entries();
  const work = async (): Promise<void> => {
    for (const [index, forgery] of left) {
      const arena = await openArena(stage, `proof ${index}`, { people: [] });
      const { founder } = arena;
      await founder.member.add('member', 'member');
      const base = [1, 2].map(() => ({
        kind: 'add' as const,
        role: 'member' as const,
        device: false,
        expiresAtMs: Date.now() + 3_600_000,
      }));
      await besiege(stage, { part: 'proofs and signatures', arena, by: founder, base, attacks: [forgery] });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

export async function forgeCreates(stage: Stage): Promise<void> {
  const { accessToken, url, database } = stage;
  const deps = personOf('Mallory');
  const created = (mode: GroupMode = defaultMode, origin = serverName): CreateFrame => {
    const { frame } = valueOf(SealedGroup.create(deps, { origin, mode, nowMs: Date.now() }));
    return valueOf(parseFrame(frame)) as CreateFrame;
  };
  const changed = (
    { header, content, trail }: CreateFrame,
    change: { content?: Partial<CreateFrame['content']>; trail?: Partial<CreateFrame['trail']> },
  ): Uint8Array =>
    encodeFrame(
      encodeBody(header, { ...content, ...change.content }),
      encodeCreateTrailer({ ...trail, ...change.trail }),
    );
  const proof = (name: string, change: (possession: Uint8Array) => Uint8Array) =>
    [
      'commit/create-possession',
      name,
      (frame: CreateFrame) => changed(frame, { trail: { possession: change(frame.trail.possession) } }),
    ] as const;
  const attacks: readonly (readonly [RuleId, string, (good: CreateFrame) => Uint8Array])[] = [
    proof('another R in the proof of a new group', (possession) => flipped(possession, 0)),
    proof('another z in the proof of a new group', (possession) => flipped(possession, 40)),
    proof('zeros for the proof of a new group', () => new Uint8Array(64)),
    [
      'commit/create-possession',
      'a confirmation that was not signed',
      (frame) => changed(frame, { trail: { confirm: flipped(frame.trail.confirm, 0) } }),
    ],
    [
      'commit/create-possession',
      'a payload that was not signed',
      (frame) => changed(frame, { trail: { payload: systemRandom.bytes(64) } }),
    ],
    [
      'commit/create-possession',
      'somebody else’s key',
      (frame) => changed(frame, { content: { leafKey: created().content.leafKey } }),
    ],
    [
      'commit/create-mode',
      'only admins write, unproven',
      (frame) =>
        changed(frame, { content: { mode: { leafProof: false, minWriter: 'admin', ownDevices: true } } }),
    ],
    ['commit/eligible', 'a group for another server', () => created(defaultMode, 'elsewhere.example').bytes],
    ...badPoints.map(
      ([what, octets]) =>
        [
          'commit/key',
          `${what} as the first key`,
          (frame: CreateFrame) => changed(frame, { content: { leafKey: octets } }),
        ] as const,
    ),
  ];
  for (const [rule, name, build] of attacks) {
    const good = created();
    const bad = build(good);
    const before = database.ofTables('sealed_groups', 'sealed_frames');
    const observed = answerText(await patiently(() => postCreate(url, bad, accessToken)));
    const faults: string[] = [];
    if (observed !== answerFor(rule)) faults.push(`answered ${observed}`);
    if (database.ofTables('sealed_groups', 'sealed_frames') !== before) faults.push('the database changed');
    const control = await patiently(() => postCreate(url, good.bytes, accessToken));
    if (control.status !== 201) faults.push(`the control was answered ${answerText(control)}`);
    if (observed !== '201') stage.badFrames.add(hashOfFrame(bad));
    stage.outcomes.push({
      part: 'new groups',
      name,
      target: rule,
      mark: markOf(rule),
      expected: answerFor(rule),
      observed,
      faults,
      isControlled: control.status === 201,
      exercises: observed === answerFor(rule),
    });
  }
}

/**
 * 1,013 nodes off the path of a founder can be filled in a full group of 1,024 of whom 1,023 are its pending leaves; with
 * another 64 leaves there are more than a commit may seal.
 */
export async function overfill(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'the full group', { people: [] });
  const { founder } = arena;
  await founder.member.add(...Array.from({ length: 1_023 }, () => 'member' as const));
  await besiege(stage, {
    part: 'proofs and signatures',
    arena,
    by: founder,
    attacks: [
      attack('tree/seal-limit', 'more fills and path than a commit may seal', (mallory, good) =>
        mallory.forge(good, {
          content: () => ({
            operations: Array.from({ length: 64 }, () => mallory.newAdd()),
            fills: tooManyFills,
          }),
        }),
      ),
    ],
  });
}

/** All of the founder's half, whose keys may not be left alone, and some of the new leaves' parents. */
const tooManyFills = [
  ...fillsOf(1_024).filter((node) => node % 4 === 1),
  ...Array.from({ length: 7 }, (_, index) => 2_049 + 4 * index),
  ...fillsOf(1_024).filter((node) => node % 4 !== 1),
];

/** Every parent off the path of leaf 0 above two of the first `leaves` leaves, bottom up. */
function fillsOf(leaves: number): number[] {
  const fills: number[] = [];
  for (let width = 2; width <= leaves; width *= 2) {
    for (let first = width; first < leaves; first += width) {
      // Its right half begins at first + width / 2: somebody must stand there.
      if (first + width / 2 < leaves) fills.push(2 * first + width - 1);
    }
  }
  return fills;
}
