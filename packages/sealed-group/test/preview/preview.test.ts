import { describe, expect, test } from 'vitest';
import type { LeafIndex } from '../../src/index.ts';
import { isCommitFrame, parseFrame, Preview } from '../../src/index.ts';
import { Client, openMode, pair, person, seededRandom, service, suite, valueOf } from '../group/people.ts';
import { commitOf, openingFor, openInvite, previewAll, startFor } from './served.ts';

describe('a newcomer previews', () => {
  test('what was said since the epoch after its invite, and later reads the same as a member', () => {
    const { ds, alice, bob } = pair();
    const leaf = alice.add({})[0]!;
    const given = alice.invite(leaf);
    bob.sync();
    valueOf(alice.say('of the epoch that is closed to newcomers'));
    valueOf(bob.commit());
    alice.sync();
    valueOf(alice.say('one'));
    valueOf(bob.say('two'));
    valueOf(alice.commit());
    valueOf(alice.say('three'));
    const invite = openInvite(ds, given);
    const { preview, texts } = previewAll(ds, invite);
    expect(texts).toEqual(['one', 'two', 'three']);
    expect(preview.epoch).toBe(alice.group.epoch);
    const carol = Client.accept(person('carol'), ds, given);
    expect(carol.texts()).toEqual(texts);
    valueOf(carol.commit());
    alice.sync();
    valueOf(alice.say('four'));
    carol.sync();
    expect(carol.texts()).toEqual([...texts, 'four']);
  });

  test('each message as unverified, by the leaf that it names, under the id that it will keep', () => {
    const { ds, alice, bob, leaf: bobs } = pair();
    const given = alice.invite(alice.add({})[0]!);
    bob.sync();
    valueOf(bob.commit());
    valueOf(bob.say('hello'));
    const invite = openInvite(ds, given);
    const preview = valueOf(Preview.open(suite, invite, startFor(ds, invite)));
    const { bytes } = ds.log.at(-1)!;
    expect(preview.readMessage(bytes)).toMatchObject({ rule: 'message/same-epoch' });
    valueOf(preview.advance(openingFor(ds, invite.leaf, invite.epoch + 1)!));
    const read = valueOf(preview.readMessage(bytes));
    expect(read).toMatchObject({ author: 'unverified', leaf: bobs, content: { text: 'hello' } });
    expect(read.bodyHash).toEqual(valueOf(parseFrame(bytes)).bodyHash);
    preview.close();
    expect(preview.readMessage(bytes)).toMatchObject({ rule: 'preview/ended' });
  });

  test('in a group with leaf proofs, and across a change of the mode', () => {
    const ds = service();
    const alice = Client.create(person('alice'), ds, { ...openMode, leafProof: true });
    const given = alice.invite(alice.add({})[0]!);
    valueOf(alice.commit());
    valueOf(alice.say('signed'));
    valueOf(alice.commit([{ kind: 'set-mode', mode: openMode }]));
    valueOf(alice.say('proven by the epoch'));
    const { texts } = previewAll(ds, openInvite(ds, given));
    expect(texts).toEqual(['signed', 'proven by the epoch']);
  });

  test('nothing of and after the commit that removes it', () => {
    const { ds, alice } = pair();
    const leaf = alice.add({})[0]!;
    const given = alice.invite(leaf);
    valueOf(alice.commit());
    valueOf(alice.say('still there'));
    valueOf(alice.commit([{ kind: 'remove', leaf }]));
    valueOf(alice.say('without you'));
    const invite = openInvite(ds, given);
    expect(openingFor(ds, leaf, alice.group.epoch)).toBeUndefined();
    const { preview, texts } = previewAll(ds, invite);
    expect(texts).toEqual(['still there']);
    expect(preview.readMessage(ds.log.at(-1)!.bytes)).toMatchObject({ rule: 'message/same-epoch' });
  });

  test('through fills, doubled trees and blank nodes: every pending leaf, whoever commits', () => {
    const random = seededRandom('preview history');
    const pick = <T>(list: readonly T[]): T => list[random.bytes(1)[0]! % list.length]!;
    const ds = service();
    const members = [Client.create(person('owner'), ds)];
    const invites: { leaf: LeafIndex; given: { invite: Uint8Array; snapshot: Uint8Array }; epoch: number }[] =
      [];
    const owner = members[0]!;
    const syncAll = (): void => members.forEach((member) => void member.sync());
    const invite = (count: number): void => {
      for (const leaf of owner.add(...Array.from({ length: count }, () => ({})))) {
        invites.push({ leaf, given: owner.invite(leaf), epoch: owner.group.epoch });
      }
      syncAll();
    };
    invite(3);
    for (const { given } of invites.splice(0, 2)) {
      members.push(Client.join(person(`member ${members.length}`), ds, given));
      syncAll();
    }
    invite(9);
    const spoken: { epoch: number; text: string }[] = [];
    for (let round = 0; round < 14; round++) {
      if (round % 6 === 3) invite(1 + (round % 5));
      if (round % 8 === 5) {
        const gone = invites.splice(random.bytes(1)[0]! % invites.length, 1)[0]!;
        valueOf(owner.commit([{ kind: 'remove', leaf: gone.leaf }]));
        syncAll();
      }
      const speaker = pick(members);
      valueOf(speaker.commit());
      syncAll();
      const text = `round ${round}`;
      valueOf(speaker.say(text));
      spoken.push({ epoch: speaker.group.epoch, text });
      syncAll();
    }
    const hasFills = [...ds.seqByEpoch.keys()].some((epoch) => {
      const frame = valueOf(parseFrame(ds.log[ds.seqByEpoch.get(epoch)! - 1]!.bytes));
      return isCommitFrame(frame) && commitOf(ds, epoch).content.fills.length > 0;
    });
    expect(hasFills).toBe(true);
    for (const { given, epoch } of invites) {
      const { preview, texts } = previewAll(ds, openInvite(ds, given));
      expect(texts).toEqual(spoken.filter((said) => said.epoch > epoch).map(({ text }) => text));
      expect(preview.epoch).toBe(owner.group.epoch);
    }
  });
});
