/** Lies about messages and their order. */
import type { Lie } from './lie.ts';

export const liesAboutMessages: readonly Lie[] = [
  {
    name: 'a message is withheld from Bo',
    noticed: ['Bo'],
    async tell({ lying, lastSeq, say, ada, bo }) {
      lying.withhold([(await lastSeq()) + 1], { to: ['Bo'] });
      await say(ada, 'Bo shall not read this');
      await say(ada, 'but this', bo);
    },
  },
  {
    name: 'a message is withheld from Bo, and its place left empty',
    noticed: ['Bo'],
    async tell({ lying, lastSeq, say, ada }) {
      lying.withhold([(await lastSeq()) + 1], { to: ['Bo'], leaveHole: true });
      await say(ada, 'Bo shall not read this');
      await say(ada, 'nor perhaps this');
      lying.cutFeed();
    },
  },
  {
    name: 'two messages are shown to Bo in another order',
    noticed: ['Bo'],
    async tell({ lying, lastSeq, say, ada, bo }) {
      const next = (await lastSeq()) + 1;
      lying.swap(next, next + 1, { to: ['Bo'] });
      await say(ada, 'first');
      await say(ada, 'second');
      await say(ada, 'third', bo);
    },
  },
  {
    name: 'the log is rolled back',
    noticed: ['Ada', 'Bo'],
    async tell({ lying, lastSeq, say, ada, bo }) {
      await say(ada, 'this was said', bo);
      lying.rollBack((await lastSeq()) - 1);
      lying.cutFeed();
    },
  },
  {
    name: 'a message that Bo has read is replaced by another',
    noticed: ['Bo'],
    async tell({ arena, lying, lastSeq, say, ada, bo }) {
      await say(ada, 'this was said', bo);
      lying.replace(await lastSeq(), arena.founder.message(), { to: ['Bo'] });
      lying.cutFeed({ to: ['Bo'] });
    },
  },
  {
    name: 'Ada and Bo are shown two logs, and then one',
    noticed: ['Ada', 'Bo'],
    async tell({ lying, lastSeq, say, ada, bo }) {
      const takeBack = lying.fork(await lastSeq(), [['Ada'], ['Bo']]);
      await say(ada, 'in one world');
      await say(bo, 'in another');
      await say(ada, 'still in the one');
      takeBack();
      lying.cutFeed();
    },
  },
  {
    name: 'the feed tells of a message that is not in the log',
    noticed: ['Bo'],
    async tell({ arena, lying, lastSeq, say, ada, bo }) {
      // By a member that is in league with the server: what nobody vouches for, clients do not even look at.
      const { member } = arena.founder;
      const seq = (await lastSeq()) + 1;
      const text = 'only Bo shall hear this';
      const octets = member.prepareText(text).frame;
      // Until Bo listens: whoever is not connected is told nothing.
      for (let tries = 0; tries < 100; tries++) {
        lying.forgeFeed({ seq, octets }, { to: ['Bo'] });
        if (await bo.call('waitForText', { group: arena.groupId, text, timeoutMs: 200 })) break;
      }
      await say(ada, 'this stands in its place');
      lying.cutFeed({ to: ['Bo'] });
    },
  },
];
