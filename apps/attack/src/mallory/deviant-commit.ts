/**
 * A commit whose sealed digits are outside the table and yet provable: the secret is the right one, written in other digits,
 * so that every recipient has to search for it. The proof is honest but for that; the server has no reason to refuse it [F3].
 */
import type { Point, Scalar } from '@conclave/ristretto';
import { systemRandom } from '@conclave/platform';
import {
  CommitSecrets,
  encodeBody,
  encodeContext,
  frameBodyHash,
  leafNode,
  newEpochContext,
} from '@conclave/sealed-group';
import type { NodeIndex, PublicKey, SealedNodeContent, SecretScalar } from '@conclave/sealed-group';
import { testSuite, valueOf } from '@conclave/testkit';
import { sealOwnEntry } from '../../../../packages/sealed-group/src/group/seal-own-entry.ts';
import { EpochKeys } from '../../../../packages/sealed-group/src/schedule/index.ts';
import {
  absorbResponses,
  digitWeightOf,
  finalChallenges,
  startBlock,
  startSealingTranscript,
} from '../../../../packages/sealed-group/src/sealing/challenges.ts';
import { placeValues } from '../../../../packages/sealed-group/src/sealing/equations.ts';
import {
  digitCount,
  repetitions,
  responseEnd,
  responseMin,
} from '../../../../packages/sealed-group/src/sealing/parameters.ts';
import { digitsOf } from '../../../../packages/sealed-group/src/sealing/sealed-secret.ts';
import { encodeSealingProof } from '../../../../packages/sealed-group/src/sealing/sealing-proof.ts';
import { keyPoint } from '../../../../packages/sealed-group/src/signature/index.ts';
import { newSecret } from './mallory.ts';
import type { Mallory, Prepared } from './mallory.ts';

const { group } = testSuite;
const { scalars } = group;

interface DeviantNode {
  readonly node: NodeIndex;
  readonly secret: SecretScalar;
  readonly publicKey: PublicKey;
  readonly recipients: readonly PublicKey[];
  readonly digits: readonly number[];
  readonly blindings: readonly Scalar[];
}

/** The frame, and the secrets by which its maker follows it. For up to 64 sealed nodes, none of them a fill. */
export function deviantCommit(
  mallory: Mallory,
  good: Prepared,
): { readonly frame: Uint8Array; readonly secrets: CommitSecrets } {
  const { plan, frame, secrets } = good;
  const { state } = mallory;
  const keyOf = (node: NodeIndex): PublicKey => {
    const sealed = frame.content.sealed.find((other) => other.node === node);
    if (sealed !== undefined) return sealed.key as PublicKey;
    const isOwn = node === leafNode(mallory.leaf);
    return isOwn ? (frame.content.leafKey as PublicKey) : plan.draft.node(node)!.publicKey;
  };
  const nodes = plan.seals.map(({ node, recipients }): DeviantNode => {
    const secret = secrets.pathSecrets.get(node)!;
    return {
      node,
      secret,
      publicKey: keyOf(node),
      recipients: recipients.map(keyOf),
      digits: outsideTheTable(digitsOf(secret)),
      blindings: Array.from({ length: digitCount }, newSecret),
    };
  });
  const sealed = nodes.map(({ node, publicKey, recipients, digits, blindings }): SealedNodeContent => ({
    node,
    key: publicKey,
    commitments: group.encodePoints(digits.map((digit, j) => commit(signed(digit), blindings[j]!))),
    handles: recipients.map((key) =>
      group.encodePoints(blindings.map((blinding) => group.multiply(keyPoint(testSuite, key), blinding))),
    ),
  }));
  // Another body is another epoch: its keys, and all that is made with them, are new.
  const content = { ...frame.content, sealed };
  const bodyHash = frameBodyHash(encodeBody(frame.header, content));
  const leafSecret = secrets.pathSecrets.get(leafNode(mallory.leaf))!;
  const draft = plan.draft;
  valueOf(draft.setKey(leafNode(mallory.leaf), keyOf(leafNode(mallory.leaf))));
  for (const { node, publicKey } of nodes) valueOf(draft.setKey(node, publicKey));
  const keys = EpochKeys.derive({
    chain: (state.keys?.chain ?? state.chain!).reveal(),
    headSecret: secrets.pathSecrets.get(plan.head)!,
    context: newEpochContext(state.group, plan, bodyHash),
    leafCount: draft.leafCount,
  });
  const payload = valueOf(
    sealOwnEntry(mallory.member.deps, {
      origin: frame.header.origin,
      me: state.me,
      keys,
      bodyHash,
      leafSecret,
      signingKey: state.pending.at(-1)!.signingKey,
      profile: undefined,
    }),
  );
  const bytes = mallory.forge(good, {
    content: () => ({ sealed }),
    trail: () => ({
      sealingProof: prove(nodes, sealed, encodeContext(frame.header), bodyHash),
      confirm: keys.confirmation(),
      payload,
    }),
  });
  return {
    frame: bytes,
    secrets: new CommitSecrets({ pathSecrets: secrets.pathSecrets, addedLeaves: secrets.addedLeaves, keys }),
  };
}

/** The same number: one more than fits into a digit is taken from the next, once upwards and once down. */
function outsideTheTable(digits: readonly number[]): number[] {
  return digits.map((digit, j) => {
    if (j === 3) return digit + 3 * 2 ** 16;
    if (j === 4) return digit - 3 - 2 * 2 ** 16;
    return j === 5 ? digit + 2 : digit;
  });
}

function signed(value: number): Scalar {
  return value < 0 ? scalars.negate(scalars.fromNumber(-value)) : scalars.fromNumber(value);
}

function commit(value: Scalar, blinding: Scalar): Point {
  return group.add(testSuite.messageBaseTable.multiply(value), group.multiplyGenerator(blinding));
}

/** docs/sealed-groups.md §4.3, with these digits. */
function prove(
  nodes: readonly DeviantNode[],
  sealed: readonly SealedNodeContent[],
  context: Uint8Array,
  bodyHash: Uint8Array,
): Uint8Array {
  const claim = {
    context,
    bodyHash,
    sealed: sealed.map(({ key, commitments, handles }) => ({
      publicKey: key as PublicKey,
      commitments,
      handles,
    })),
    recipients: nodes.map(({ recipients }) => recipients),
  };
  const digits = nodes.flatMap((node) => node.digits);
  for (let attempt = 0; attempt < 100; attempt++) {
    const transcript = startSealingTranscript(testSuite, claim);
    const digitWeight = digitWeightOf(testSuite, transcript);
    const sigmas = Array.from({ length: repetitions }, uniformMask);
    const betas = Array.from({ length: repetitions }, newSecret);
    const masks = group.encodePoints(sigmas.map((sigma, k) => commit(signed(sigma), betas[k]!)));
    const { fork, subsets } = startBlock(transcript, { index: 0, nodes: nodes.length, masks });
    const responses = sigmas.map((sigma, k) =>
      digits.reduce((sum, digit, j) => sum + bit(subsets[k]!, j) * digit, sigma),
    );
    if (responses.some((z) => z < responseMin || z >= responseEnd)) continue;
    absorbResponses(fork, responses);
    transcript.absorbFork(fork);

    const [a, b] = [newSecret(), newSecret()];
    const nonces = nodes.map(() => ({ mu: newSecret(), nu: newSecret() }));
    const keyCommitments = group.encodePoints([commit(a, b), group.multiplyGenerator(a)]);
    const handleCommitments = nodes.map(({ recipients }, i) =>
      group.encodePoints([
        commit(nonces[i]!.mu, nonces[i]!.nu),
        ...recipients.map((key) => group.multiply(keyPoint(testSuite, key), nonces[i]!.nu)),
      ]),
    );
    const { challenge, repetitionWeight } = finalChallenges(testSuite, transcript, {
      key: keyCommitments,
      handles: handleCommitments,
    });
    const powers = scalars.powers(challenge, nodes.length + 1).slice(1);
    const places = placeValues(testSuite);
    const digitWeights = scalars.powers(digitWeight, digitCount);
    const answer = (start: Scalar, values: readonly Scalar[]): Scalar =>
      scalars.add(start, scalars.multiply(challenge, scalars.innerProduct(digitWeights, values)));
    const blindings = nodes.flatMap((node) => node.blindings);
    const w = betas.map((beta, k) =>
      blindings.reduce((sum, value, j) => (bit(subsets[k]!, j) ? scalars.add(sum, value) : sum), beta),
    );
    return encodeSealingProof({
      blocks: [
        {
          masks,
          responses,
          blinding: scalars.innerProduct(scalars.powers(repetitionWeight, repetitions), w),
        },
      ],
      key: {
        commitments: keyCommitments,
        secretResponse: scalars.add(
          a,
          scalars.innerProduct(
            powers,
            nodes.map(({ secret }) => secret),
          ),
        ),
        blindingResponse: scalars.add(
          b,
          scalars.innerProduct(
            powers,
            nodes.map((node) => scalars.innerProduct(places, node.blindings)),
          ),
        ),
      },
      handles: nodes.map((node, i) => ({
        commitments: handleCommitments[i]!,
        digitResponse: answer(nonces[i]!.mu, node.digits.map(signed)),
        blindingResponse: answer(nonces[i]!.nu, node.blindings),
      })),
    });
  }
  throw new Error('the forger had no luck');
}

function uniformMask(): number {
  const view = new DataView(systemRandom.bytes(8).slice().buffer);
  return Number(view.getBigUint64(0) % BigInt(responseEnd));
}

function bit(row: Uint8Array, j: number): number {
  return (row[j >> 3]! >> (j & 7)) & 1;
}
