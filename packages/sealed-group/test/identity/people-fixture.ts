/** A tree of people with real leaf keys: the creator Ada, her device, Ben, Cleo, and a pending leaf. */
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import type { RandomSource } from '@conclave/ristretto';
import { hedgedScalar } from '../../src/hash/index.ts';
import type { IdentityEntry, UnverifiedEntry } from '../../src/identity/identity-entry.ts';
import { signIdentityEntry, verifyIdentityEntry } from '../../src/identity/identity-entry.ts';
import { SigningKey } from '../../src/identity/signing-key.ts';
import { EpochKeys } from '../../src/schedule/epoch-keys.ts';
import type { SecretScalar } from '../../src/signature/keys.ts';
import { publicKeyOf } from '../../src/signature/keys.ts';
import type { Suite } from '../../src/suite.ts';
import { createSuite } from '../../src/suite.ts';
import type { Role } from '../../src/tree/roles.ts';
import type { LeafIndex } from '../../src/tree/tree-math.ts';
import type { LeafNode } from '../../src/tree/tree-node.ts';
import { seededRandom } from '../schedule/seeded-random.ts';

export const suite: Suite = createSuite(createNodeEngine());
export const origin = 'https://chat.example';
export const groupId = new Uint8Array(16).fill(3);
export const epoch = 5;
export const [ada, adasPhone, ben, cleo, invited] = [0, 1, 2, 3, 4] as LeafIndex[] as [
  LeafIndex,
  LeafIndex,
  LeafIndex,
  LeafIndex,
  LeafIndex,
];

export interface Person {
  readonly leaf: LeafIndex;
  readonly node: LeafNode;
  readonly leafSecret: SecretScalar;
  readonly signingKey: SigningKey;
  readonly identity: SigningKey;
  readonly name: string;
}

export interface People {
  readonly random: RandomSource;
  readonly persons: readonly Person[];
  readonly tree: { leafCount: number; leaf(index: LeafIndex): LeafNode | undefined };
  readonly scope: { origin: string; groupId: Uint8Array; tree: People['tree']; random: RandomSource };
  sign(leaf: LeafIndex, changes?: Partial<Parameters<typeof signIdentityEntry>[0]>): UnverifiedEntry;
  verified(leaf: LeafIndex): IdentityEntry;
  deriveKeys(): EpochKeys;
}

export function createPeople(seed = 'people'): People {
  const random = seededRandom(seed);
  const identities = [0, 0, 1, 2, 3];
  const identityKeys = identities.map(() => SigningKey.generate(random));
  const roles: readonly Role[] = ['owner', 'owner', 'admin', 'member', 'member'];
  const persons = ['Ada', 'Ada', 'Ben', 'Cleo', 'Dan'].map((name, index): Person => {
    const hedge = { secret: random.bytes(32), random, context: new Uint8Array(0) };
    const leafSecret = hedgedScalar(suite, 'test leaf', hedge, 0) as unknown as SecretScalar;
    const leaf = index as LeafIndex;
    const node: LeafNode = {
      kind: 'leaf',
      publicKey: publicKeyOf(suite, leafSecret),
      role: roles[index]!,
      epoch: index,
      addedBy: leaf === adasPhone ? { leaf: ada, epoch: 0 } : undefined,
      device: leaf === adasPhone,
      expiresAtMs: leaf === invited ? 1_000_000 : undefined,
    };
    const identity = identityKeys[identities[index]!]!;
    return { leaf, node, leafSecret, signingKey: SigningKey.generate(random), identity, name };
  });
  const tree = { leafCount: 8, leaf: (index: LeafIndex) => persons[index]?.node };
  const scope = { origin, groupId, tree, random };
  const people: People = {
    random,
    persons,
    tree,
    scope,
    sign(leaf, changes = {}) {
      const person = persons[leaf]!;
      const entry = signIdentityEntry({
        suite,
        origin,
        groupId,
        leaf,
        leafEpoch: person.node.epoch,
        leafSecret: person.leafSecret,
        signingKey: person.signingKey,
        identity: person.identity,
        profile: { name: person.name, deviceName: 'laptop', picture: undefined },
        hedge: { secret: person.leafSecret, random, context: new Uint8Array(0) },
        ...changes,
      });
      if (!entry.ok) throw new Error(entry.rule);
      return entry.value;
    },
    verified(leaf) {
      const entry = verifyIdentityEntry(suite, people.sign(leaf), scope);
      if (!entry.ok) throw new Error(entry.rule);
      return entry.value;
    },
    deriveKeys: () =>
      EpochKeys.derive({
        chain: new Uint8Array(32).fill(1),
        headSecret: new Uint8Array(32).fill(2),
        context: {
          origin,
          groupId,
          mode: { leafProof: false, minWriter: 'member', ownDevices: true },
          epoch,
          treeHash: new Uint8Array(32),
          confirmedTranscript: new Uint8Array(32),
        },
        leafCount: 8,
      }),
  };
  return people;
}
