/** Frames that were good once, or are good elsewhere. */
import { systemRandom } from '@conclave/platform';
import { encodeFrame, parseFrame, SealedGroup } from '@conclave/sealed-group';
import { defaultMode, postCreate, postFrame, valueOf } from '@conclave/testkit';
import { answerText } from '../attack.ts';
import { assault } from '../assault.ts';
import type { Assault } from '../assault.ts';
import { founderSays, openArena, patiently, settled } from '../stage.ts';
import type { Stage } from '../stage.ts';

const part = 'replays';
const notEligible = ['403 CONCLAVE_NOT_ELIGIBLE'];

export async function replay(stage: Stage): Promise<void> {
  const arena = await openArena(stage, 'the group that is replayed');
  const other = await openArena(stage, 'the group it is replayed in', { people: [] });
  const { founder } = arena;
  const { member } = founder;
  let said = 0;
  const say = (): Promise<string | undefined> => founderSays(arena, `still here ${++said}`);
  const attempt = (attack: Omit<Assault, 'part' | 'control'>): Promise<void> =>
    assault(stage, { part, control: say, ...attack });

  // Everything of the log, once more and in another group.
  const { frames: log } = await member.readLog(0, 500);
  for (const { seq, frame } of log) {
    const { kind } = valueOf(parseFrame(frame)).content;
    await attempt({
      name: `frame ${seq} (${kind}) once more`,
      target: 'surface/replay',
      // A lost acknowledgement is given again; a create has its own route.
      expects: kind === 'create' ? notEligible : ['200'],
      arena,
      run: async () => answerText(await member.post(frame)),
    });
    await attempt({
      name: `frame ${seq} (${kind}) in another group`,
      target: 'commit/eligible',
      expects: notEligible,
      arena: other,
      run: async () => answerText(await postFrame(stage.url, other.groupId, frame)),
    });
  }

  // The same body with another good trailer.
  await member.sync();
  const good = founder.prepare();
  const first = founder.forge(good);
  founder.adopt(good, first);
  const accepted = await patiently(() => founder.post(first));
  if (accepted.status !== 200) throw new Error(`a commit was answered ${answerText(accepted)}`);
  member.process(first, accepted.body.seq);
  await settled(arena);
  await attempt({
    name: 'a commit with the body of an accepted one, signed by the leaf’s new key',
    target: 'surface/replay',
    expects: ['409 CONCLAVE_FRAME_CONFLICT'],
    arena,
    run: async () => answerText(await founder.post(founder.forge(good))),
  });
  const twice = twoProofs(founder.message());
  await patiently(() => founder.post(twice[0]));
  await member.sync();
  // It changes what the honest see, as soon as they have it: what comes after it is heard after it.
  const unheard = await say();
  if (unheard !== undefined) throw new Error(`a message: ${unheard}`);
  await attempt({
    name: 'a message with the body of an accepted one and a false proof',
    target: 'commit/eligible',
    expects: notEligible,
    arena,
    run: async () => answerText(await founder.post(twice[1])),
  });

  // Frames of epochs that are over.
  await member.sync();
  const late = { message: founder.message(), commit: founder.forge(founder.prepare()) };
  for (let count = 0; count < 2; count++) {
    const answer = await patiently(() => member.commit());
    if (answer.status !== 200) throw new Error(`a commit was answered ${answerText(answer)}`);
  }
  await settled(arena);
  for (const [kind, frame] of Object.entries(late)) {
    await attempt({
      name: `a ${kind} of the epoch before the last`,
      target: 'commit/epoch',
      expects: kind === 'commit' ? notEligible : ['409 CONCLAVE_WRONG_EPOCH'],
      arena,
      run: async () => answerText(await founder.post(frame)),
    });
  }

  // A good group of another server, by the same people.
  const elsewhere = valueOf(
    SealedGroup.create(member.deps, { origin: 'elsewhere.example', mode: defaultMode, nowMs: Date.now() }),
  );
  const text = valueOf(
    elsewhere.group.encryptMessage({ content: { kind: 'text', text: 'hello' }, nowMs: Date.now() }),
  );
  const commit = valueOf(elsewhere.group.prepareCommit({ operations: [], nowMs: Date.now() }));
  for (const [kind, { frame }] of Object.entries({ message: text, commit })) {
    for (const groupId of [arena.groupId, Buffer.from(elsewhere.groupId).toString('base64url')]) {
      await attempt({
        name: `a ${kind} of another server, ${groupId === arena.groupId ? 'in a group of this one' : 'in its own group'}`,
        target: 'commit/eligible',
        expects: notEligible,
        arena,
        run: async () => answerText(await postFrame(stage.url, groupId, frame)),
      });
    }
  }

  // A group with the id of another one.
  const { groupId } = member.group;
  const twin = valueOf(
    SealedGroup.create(
      {
        ...member.deps,
        random: { bytes: (length) => (length === 16 ? groupId : systemRandom.bytes(length)) },
      },
      { origin: member.group.origin, mode: defaultMode, nowMs: Date.now() },
    ),
  );
  await assault(stage, {
    part,
    name: 'a new group with the id of this one',
    target: 'surface/replay',
    expects: ['409 CONCLAVE_GROUP_EXISTS'],
    arena,
    run: async () => answerText(await patiently(() => postCreate(stage.url, twin.frame, stage.accessToken))),
    control: say,
  });
}

/** The frame, and another with its body and a proof that is not one. */
function twoProofs(frame: Uint8Array): [Uint8Array, Uint8Array] {
  const { body, trailer } = valueOf(parseFrame(frame));
  const changed = Uint8Array.from(trailer);
  changed[changed.length - 1]! ^= 1;
  return [frame, encodeFrame(body, changed)];
}
