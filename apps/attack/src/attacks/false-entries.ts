/**
 * What members say of themselves in a commit, where the server cannot look: entries in another's name, with false signatures, of another
 * identity; a profile by somebody who has none to give. The commit counts; what is false in it is dropped, and its maker is named.
 */
import { systemRandom } from '@conclave/platform';
import type { RuleId } from '@conclave/sealed-group';
import { TestMember, testSuite, valueOf } from '@conclave/testkit';
import {
  openCommitPayload,
  sealCommitPayload,
  signIdentityEntry,
  SigningKey,
} from '../../../../packages/sealed-group/src/identity/index.ts';
import type { UnverifiedEntry } from '../../../../packages/sealed-group/src/identity/index.ts';
import { leafNode } from '@conclave/sealed-group';
import { flipped } from '../mallory/bad-encodings.ts';
import { serverName } from '../stage.ts';
import { Mallory } from '../mallory/mallory.ts';
import type { Prepared } from '../mallory/mallory.ts';

export interface FalseEntry {
  readonly name: string;
  readonly breaks: RuleId;
  /** The committer, given the founder; the founder if absent. */
  readonly by?: (founder: Mallory) => Promise<Mallory>;
  readonly say: (entry: UnverifiedEntry, mallory: Mallory, good: Prepared) => Said;
}

type Said = Parameters<typeof sealCommitPayload>[2];

const changed =
  (change: (entry: UnverifiedEntry) => Partial<UnverifiedEntry>): FalseEntry['say'] =>
  (entry) => ({ entry: { ...entry, ...change(entry) } });

const profile = { name: 'Mallory’s group', description: '', picture: undefined };

export const falseEntries: readonly FalseEntry[] = [
  {
    name: 'an entry for Bo’s leaf, and none for the own',
    breaks: 'identity/entry-present',
    say: changed(() => ({ leaf: 2 })),
  },
  {
    name: 'an entry for another instance of the leaf',
    breaks: 'identity/entry-leaf',
    say: changed(({ leafEpoch }) => ({ leafEpoch: leafEpoch + 1 })),
  },
  {
    name: 'a name of two lines',
    breaks: 'identity/entry-form',
    say: changed(() => ({ name: 'Mallory\nwho is Ada' })),
  },
  {
    name: 'another name than the identity signed',
    breaks: 'identity/entry-identity-signature',
    say: changed(() => ({ name: 'Ada' })),
  },
  {
    name: 'a false signature of the leaf',
    breaks: 'identity/entry-leaf-signature',
    say: changed(({ leafSignature }) => ({ leafSignature: flipped(leafSignature, 40) })),
  },
  {
    name: 'another identity than before',
    breaks: 'identity/same-identity',
    say: ({ leafEpoch, name, deviceName, picture }, mallory, { secrets }) => ({
      entry: valueOf(
        signIdentityEntry({
          suite: testSuite,
          origin: serverName,
          groupId: mallory.member.group.groupId,
          leaf: mallory.leaf,
          leafEpoch,
          leafSecret: secrets.pathSecrets.get(leafNode(mallory.leaf))!,
          signingKey: SigningKey.generate(systemRandom),
          identity: SigningKey.generate(systemRandom),
          profile: { name, deviceName, picture },
          hedge: { secret: mallory.leafSecret, random: systemRandom, context: secrets.keys.contextHash },
        }),
      ),
    }),
  },
  {
    name: 'a device of another person than its adder',
    breaks: 'identity/device-of-adder',
    by: strangersDevice,
    say: (entry) => ({ entry }),
  },
  {
    name: 'a name for the group that nobody could read',
    breaks: 'identity/profile-form',
    say: (entry) => ({ entry, profile: { ...profile, name: 'x'.repeat(10_000) } }),
  },
  {
    name: 'a name for the group, by a member that administers nothing',
    breaks: 'identity/profile-authority',
    by: (founder) => founder.accomplice('Eve', 'member'),
    say: (entry) => ({ entry, profile }),
  },
];

/** The commit with this payload, which only members of the new epoch can open. */
export function commitSaying(mallory: Mallory, say: FalseEntry['say']): Uint8Array {
  const good = mallory.prepare();
  const { secrets, frame } = good;
  const opened = valueOf(openCommitPayload(secrets.keys, frame.bodyHash, frame.trail.payload));
  const said = say(opened.entry!, mallory, good);
  const payload = sealCommitPayload(secrets.keys, frame.bodyHash, said);
  const bytes = mallory.forge(good, { trail: () => ({ payload }) });
  mallory.adopt(good, bytes);
  return bytes;
}

/** The founder adds a device for itself, and gives it to somebody else, whose first commit this is. */
async function strangersDevice({ member }: Mallory): Promise<Mallory> {
  const before = new Set(member.group.invitableLeaves());
  const expiresAtMs = Date.now() + 3_600_000;
  const answer = await member.commit([{ kind: 'add', role: 'member', device: true, expiresAtMs }]);
  if (answer.status !== 200) throw new Error(`adding a device was answered with ${answer.status}`);
  const leaf = member.group.invitableLeaves().find((other) => !before.has(other))!;
  return new Mallory(await TestMember.accept({ url: member.url, name: 'Eve' }, member.invite(leaf)));
}
