/**
 * The sealing proof and every signature, part by part: changed, cut, in another encoding of the same value, and about
 * something else. A false proof makes its leaf wait, so every forgery has a group of its own (`forgeProofs`).
 */
import { systemRandom } from '@conclave/platform';
import type { CommitContent, RuleId } from '@conclave/sealed-group';
import { testSuite } from '@conclave/testkit';
import { badPoints, flipped, order, plusOrder, scalarBytes, spliced } from '../mallory/bad-encodings.ts';
import { newSecret } from '../mallory/mallory.ts';
import type { Prepared } from '../mallory/mallory.ts';
import type { FrameAttack } from '../siege.ts';
import { attack } from './owner-rules.ts';

type Kind = 'points' | 'scalar' | 'responses';

interface Section {
  readonly name: string;
  readonly kind: Kind;
  readonly offset: number;
  readonly length: number;
  /** What fails when its value is another. */
  readonly rules: readonly RuleId[];
}

const consistency: readonly RuleId[] = [
  'sealing/key-consistency',
  'sealing/handle-consistency',
  'sealing/shortness',
];

/** docs/sealed-groups.md §4.3, for up to 64 nodes. What stands before a challenge moves every equation after it. */
function sectionsOf(recipientCounts: readonly number[]): Section[] {
  const sections: Section[] = [];
  let offset = 0;
  const section = (name: string, kind: Kind, length: number, rules: readonly RuleId[]): void => {
    sections.push({ name, kind, offset, length, rules });
    offset += length;
  };
  section('W', 'points', 128 * 32, consistency);
  section('z', 'responses', 128 * 5, consistency);
  section('w', 'scalar', 32, ['sealing/shortness']);
  section('A1 and A2', 'points', 64, consistency);
  section('za', 'scalar', 32, ['sealing/key-consistency']);
  section('zb', 'scalar', 32, ['sealing/key-consistency']);
  recipientCounts.forEach((count, node) => {
    section(`B of node ${node}`, 'points', 32 * (1 + count), consistency);
    section(`zm of node ${node}`, 'scalar', 32, ['sealing/handle-consistency']);
    section(`zr of node ${node}`, 'scalar', 32, ['sealing/handle-consistency']);
  });
  return sections;
}

const sectionCount = 12;

function answers(rules: readonly RuleId[]): string[] {
  return rules.map((rule) => `422 CONCLAVE_RULE_BROKEN ${rule}`);
}

/** One section of the proof changed; `at` counts them. */
function proofAttack(
  at: number,
  what: string,
  rulesOf: (section: Section) => readonly RuleId[],
  change: (proof: Uint8Array, section: Section) => Uint8Array,
  nameOf: string,
  rule: RuleId,
): FrameAttack {
  return {
    name: `${nameOf} of its proof: ${what}`,
    breaks: rule,
    expects: answers([...new Set([rule, ...rulesOf(usualSections[at]!)])]),
    clientSays: 'anything',
    build: (mallory, good) =>
      mallory.forge(good, {
        trail: ({ sealingProof }) => ({
          sealingProof: change(sealingProof, sectionsOf(countsOf(good))[at]!),
        }),
      }),
  };
}

/** Names and rules of a proof for two nodes; offsets are taken from the commit that is forged. */
const usualSections: readonly Section[] = sectionsOf([2, 2]);

function countsOf({ plan }: Prepared): number[] {
  return plan.seals.map(({ recipients }) => recipients.length);
}

const z = (value: number): Uint8Array =>
  Uint8Array.from({ length: 5 }, (_, i) => Math.floor(value / 256 ** i) % 256);

function everySection(): FrameAttack[] {
  if (usualSections.length !== sectionCount) throw new Error('the layout has changed');
  return usualSections.flatMap((section, at) => {
    const { name, kind } = section;
    const forge = (
      what: string,
      rule: RuleId,
      change: (proof: Uint8Array, section: Section) => Uint8Array,
      others: readonly RuleId[] = [],
    ): FrameAttack => proofAttack(at, what, () => others, change, name, rule);
    if (kind === 'scalar') {
      return [
        forge('another value', section.rules[0]!, (proof, { offset }) => flipped(proof, offset)),
        forge('the same value plus the group’s order', 'sealing/proof-encoding', (proof, { offset }) =>
          spliced(proof, offset, plusOrder(proof.subarray(offset, offset + 32))),
        ),
        forge('the group’s order', 'sealing/proof-encoding', (proof, { offset }) =>
          spliced(proof, offset, scalarBytes(order)),
        ),
      ];
    }
    if (kind === 'responses') {
      return [
        forge(
          'one of them another',
          'sealing/shortness',
          (proof, { offset }) => flipped(proof, offset),
          consistency,
        ),
        ...[0, 67_107_839, 17_179_607_040, 2 ** 40 - 1].map((value) =>
          forge(`${value}, out of bounds`, 'sealing/response-bounds', (proof, { offset, length }) =>
            spliced(proof, offset + length - 5, z(value)),
          ),
        ),
      ];
    }
    const [what, octets] = badPoints[at % badPoints.length]!;
    return [
      forge(
        'a point replaced by another',
        'sealing/key-consistency',
        (proof, { offset }) => spliced(proof, offset, somePoint()),
        consistency,
      ),
      forge('the identity', 'sealing/proof-encoding', (proof, { offset, length }) =>
        spliced(proof, offset + length - 32, new Uint8Array(32)),
      ),
      forge(what, 'sealing/proof-encoding', (proof, { offset }) => spliced(proof, offset, octets)),
    ];
  });
}

function everyLength(): FrameAttack[] {
  const cut = (name: string, change: (proof: Uint8Array, good: Prepared) => Uint8Array): FrameAttack =>
    attack('sealing/proof-length', name, (mallory, good) =>
      mallory.forge(good, { trail: ({ sealingProof }) => ({ sealingProof: change(sealingProof, good) }) }),
    );
  return [
    cut('no proof', () => new Uint8Array(0)),
    cut('a proof one byte longer', (proof) => Uint8Array.from([...proof, 0])),
    ...usualSections.map(({ name }, at) =>
      cut(`a proof that ends before ${name}`, (proof, good) =>
        proof.slice(0, sectionsOf(countsOf(good))[at]!.offset),
      ),
    ),
  ];
}

function everyStatement(): FrameAttack[] {
  const content = (
    rule: RuleId,
    name: string,
    change: (content: CommitContent) => Partial<CommitContent>,
    others: readonly RuleId[] = [],
  ): FrameAttack => ({
    name,
    breaks: rule,
    expects: answers([rule, ...others]),
    clientSays: 'anything',
    build: (mallory, good) => mallory.forge(good, { content: change }),
  });
  const first = (sealed: CommitContent['sealed'], change: object): CommitContent['sealed'] =>
    sealed.map((node, index) => (index === 0 ? { ...node, ...change } : node));
  return [
    ...badPoints.flatMap(([what, octets], index) => [
      content('sealing/statement-encoding', `${what} as a commitment`, ({ sealed }) => ({
        sealed: first(sealed, { commitments: spliced(sealed[0]!.commitments, 32 * index, octets) }),
      })),
      content('sealing/statement-encoding', `${what} as a handle`, ({ sealed }) => ({
        sealed: first(sealed, {
          handles: sealed[0]!.handles.map((row) => spliced(row, 32 * index, octets)),
        }),
      })),
    ]),
    content(
      'sealing/key-consistency',
      'handles of two recipients exchanged',
      ({ sealed }) => ({ sealed: sealed.map((node) => ({ ...node, handles: node.handles.toReversed() })) }),
      consistency,
    ),
    content(
      'sealing/key-consistency',
      'handles of two digits exchanged',
      ({ sealed }) => ({
        sealed: first(sealed, {
          handles: sealed[0]!.handles.map((row) =>
            spliced(spliced(row, 0, row.slice(32, 64)), 32, row.slice(0, 32)),
          ),
        }),
      }),
      consistency,
    ),
    content(
      'sealing/key-consistency',
      'commitments of two digits exchanged',
      ({ sealed }) => {
        const { commitments: row } = sealed[0]!;
        return {
          sealed: first(sealed, {
            commitments: spliced(spliced(row, 0, row.slice(32, 64)), 32, row.slice(0, 32)),
          }),
        };
      },
      consistency,
    ),
    content(
      'sealing/key-consistency',
      'sealed to somebody else than the tree says',
      ({ sealed }) => ({
        sealed: first(sealed, { handles: sealed[0]!.handles.map(() => somePoints(16)) }),
      }),
      consistency,
    ),
    content(
      'sealing/key-consistency',
      'a key whose secret is not the sealed one',
      ({ sealed }) => ({ sealed: first(sealed, { key: somePoint() }) }),
      consistency,
    ),
    {
      // The content is as before, and yet the body is not, because its nonce is new: a proof is good for one body only.
      name: 'a good proof of another body',
      breaks: 'sealing/key-consistency',
      expects: answers(consistency),
      clientSays: 'anything',
      build: (mallory, good) => mallory.forge(good, { header: { nonce: systemRandom.bytes(16) } }),
    },
  ];
}

/** Every bad encoding as a key, in one place of the three where a commit has keys. */
function everyKey(): FrameAttack[] {
  return badPoints.map(([what, octets], index): FrameAttack => {
    if (index % 3 === 0) {
      return attack('commit/key', `${what} as leaf key`, (mallory, good) =>
        mallory.forge(good, { content: () => ({ leafKey: octets }) }),
      );
    }
    if (index % 3 === 1) {
      return attack('commit/key', `${what} as node key`, (mallory, good) =>
        mallory.forge(good, {
          content: ({ sealed }) => ({
            sealed: sealed.map((node, at) => (at === 0 ? { ...node, key: octets } : node)),
          }),
        }),
      );
    }
    return attack('commit/key', `${what} as key of an added leaf`, (mallory, good) =>
      mallory.forge(good, {
        content: ({ operations }) => ({
          operations: operations.map((operation, at) =>
            at === 0 && operation.kind === 'add' ? { ...operation, leafKey: octets } : operation,
          ),
        }),
      }),
    );
  });
}

function everySignature(): FrameAttack[] {
  const signed = (name: string, change: (signature: Uint8Array) => Uint8Array): FrameAttack =>
    attack('commit/new-signature', `${name} in the new signature`, (mallory, good) =>
      mallory.forge(good, { signed: ({ newSignature }) => ({ newSignature: change(newSignature) }) }),
    );
  const possession = (name: string, change: (proof: Uint8Array) => Uint8Array): FrameAttack => ({
    name: `${name} in a possession proof`,
    breaks: 'commit/possession',
    build: (mallory, good) =>
      mallory.forge(good, {
        trail: ({ possessions }) => ({
          possessions: possessions.map((proof, index) => (index === 0 ? change(proof) : proof)),
        }),
      }),
  });
  const changes: [string, (signature: Uint8Array) => Uint8Array][] = [
    ['another R', (signature) => spliced(signature, 0, somePoint())],
    ['another z', (signature) => flipped(signature, 33)],
    ['z plus the group’s order', (signature) => spliced(signature, 32, plusOrder(signature.subarray(32)))],
    ['the identity as R', (signature) => spliced(signature, 0, new Uint8Array(32))],
    ['nothing but zeros', () => new Uint8Array(64)],
  ];
  return [
    ...changes.map(([name, change]) => signed(name, change)),
    attack('commit/new-signature', 'signed by the old key alone', (mallory, good) =>
      mallory.forge(good, { signed: ({ oldSignature }) => ({ newSignature: oldSignature }) }),
    ),
    ...changes.map(([name, change]) => possession(name, change)),
    {
      name: 'possession proofs exchanged',
      breaks: 'commit/possession',
      build: (mallory, good) =>
        mallory.forge(good, { trail: ({ possessions }) => ({ possessions: possessions.toReversed() }) }),
    },
  ];
}

/** Against a commit that seals two nodes to two recipients each, and adds two leaves. */
export function proofForgeries(): readonly FrameAttack[] {
  return [...everySection(), ...everyLength(), ...everyKey(), ...everyStatement(), ...everySignature()];
}

function somePoint(): Uint8Array {
  return testSuite.group.encodePoint(testSuite.group.multiplyGenerator(newSecret()));
}

function somePoints(count: number): Uint8Array {
  return Uint8Array.from(Buffer.concat(Array.from({ length: count }, somePoint)));
}
