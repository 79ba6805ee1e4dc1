/**
 * Lies about commits: the server shows somebody the group as it was before new keys were made, or before somebody was removed. What
 * is said afterwards cannot be read there, and what is said there must not be heard by whoever was removed: it must be noticed.
 */
import { patienceMs } from '../honest/honest-process.ts';
import type { HonestProcess } from '../honest/honest-process.ts';
import type { Arena } from '../stage.ts';
import type { Lie, Scene } from './lie.ts';

export const liesAboutCommits: readonly Lie[] = [
  {
    name: 'a commit is withheld from Bo',
    noticed: ['Bo'],
    async tell({ arena, lying, lastSeq, say, ada }) {
      lying.withhold([(await lastSeq()) + 1], { to: ['Bo'] });
      await ada.call('refresh', arena.groupId);
      await say(ada, 'with keys that Bo has not got');
    },
  },
  {
    name: 'the removal of Eve is withheld from Bo',
    noticed: ['Bo'],
    async tell(scene) {
      const { lying, lastSeq, say, ada } = scene;
      const eve = await addEve(scene);
      lying.withhold([(await lastSeq()) + 1], { to: ['Bo'] });
      await ada.call('remove', { group: scene.arena.groupId, leaf: eve });
      await say(ada, 'Eve is gone');
    },
  },
  {
    name: 'the removal of Eve is withheld from Bo with all that follows, and Bo writes',
    noticed: ['Bo'],
    async tell(scene) {
      const { arena, lying, lastSeq, ada, bo } = scene;
      const eve = await addEve(scene);
      lying.rollBack(await lastSeq(), { to: ['Bo'] });
      await ada.call('remove', { group: arena.groupId, leaf: eve });
      // It waits, or fails: what counts is what Bo is told meanwhile.
      bo.call('say', { group: arena.groupId, text: 'not for Eve' }).catch(() => undefined);
    },
  },
  {
    name: 'new keys are withheld from Bo twice, and Bo makes some too',
    noticed: ['Bo'],
    async tell({ arena, lying, lastSeq, ada, bo }) {
      lying.rollBack(await lastSeq(), { to: ['Bo'] });
      for (let times = 0; times < 2; times++) await ada.call('refresh', arena.groupId);
      bo.call('refresh', arena.groupId).catch(() => undefined);
    },
  },
  {
    name: 'the log is rolled back past a commit',
    noticed: ['Ada', 'Bo'],
    async tell(scene) {
      const { arena, lying, lastSeq, ada } = scene;
      const before = await lastSeq();
      await ada.call('refresh', arena.groupId);
      await followed(arena, scene);
      lying.rollBack(before);
      lying.cutFeed();
    },
  },
  {
    name: 'a message of an epoch that is over stands in the log once more',
    noticed: ['Bo'],
    async tell(scene) {
      const { arena, lying, lastSeq, say, ada, bo } = scene;
      await say(ada, 'while Eve was here', bo);
      const old = lying.truth(arena.groupId)[(await lastSeq()) - 1]!.octets!;
      const eve = await addEve(scene);
      await ada.call('remove', { group: arena.groupId, leaf: eve });
      await followed(arena, scene);
      lying.replace((await lastSeq()) + 1, old, { to: ['Bo'] });
      await say(ada, 'in its place');
    },
  },
];

/** Somebody who can be removed. Gives the leaf; everybody has followed. */
async function addEve(scene: Scene): Promise<number> {
  const eve = await scene.arena.founder.accomplice('Eve', 'member');
  await followed(scene.arena, scene);
  return eve.leaf;
}

async function followed({ founder, groupId, people }: Arena, { lastSeq }: Scene): Promise<void> {
  await lastSeq();
  const { epoch } = founder.member.group;
  const waiting = people.map((person: HonestProcess) =>
    person.call('waitForEpoch', { group: groupId, epoch, timeoutMs: patienceMs }),
  );
  if (!(await Promise.all(waiting)).every(Boolean)) throw new Error(`not everybody is in epoch ${epoch}`);
}
