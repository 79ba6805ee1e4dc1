/** A malicious member: its keys and signatures are real, its sealing proof is not. */
import { fromBinary } from '@bufbuild/protobuf';
import {
  encodeBody,
  encodeCommitTrailer,
  encodeFrame,
  leafNode,
  parseFrame,
  publicKeyOf,
  trailerContext,
  trailerSignatureContext,
  type CommitFrame,
  type RandomSource,
  type SealedGroup,
  type SecretScalar,
  type Suite,
} from '@conclave/sealed-group';
// Signing with keys at hand is nobody's business but a tester's: the package does not export it.
import { sign } from '../../sealed-group/src/signature/index.ts';
import { SecretStateSchema } from '../../sealed-group/src/wire/gen/group_state_pb.js';

export interface Forger {
  readonly suite: Suite;
  readonly random: RandomSource;
  readonly group: SealedGroup;
  readonly nowMs: number;
}

/** A commit of this member whose sealing proof was changed in its middle, signed as it is. */
export function commitWithFalseProof({ suite, random, group, nowMs }: Forger): Uint8Array {
  const leaf = leafNode(group.me.leaf);
  const stateOf = () => fromBinary(SecretStateSchema, group.encodeSecret());
  const secretIn = (path: readonly { node: number; secret: Uint8Array }[]): SecretScalar =>
    path.find(({ node }) => node === (leaf as number))!.secret as SecretScalar;
  const oldSecret = secretIn(stateOf().path);
  const prepared = group.prepareCommit({ operations: [], nowMs });
  if (!prepared.ok) throw new Error(prepared.rule);
  const newSecret = secretIn(stateOf().pending.at(-1)!.path);
  const parsed = parseFrame(prepared.value.frame);
  if (!parsed.ok) throw new Error(parsed.rule);
  const { header, bodyHash, content, trail } = parsed.value as CommitFrame;

  const sealingProof = trail.sealingProof.slice();
  // A response: any scalar but the right one is a wrong one.
  sealingProof[sealingProof.length - 32]! ^= 1;
  const { possessions, confirm, payload } = trail;
  const unsigned = { possessions, sealingProof, confirm, payload };
  const context = trailerSignatureContext(header, trailerContext(bodyHash, encodeCommitTrailer(unsigned)));
  const signBy = (purpose: 'commit-old' | 'commit-new', secret: SecretScalar): Uint8Array => {
    const hedge = { secret, random, context: bodyHash };
    return sign(suite, { purpose, secret, publicKey: publicKeyOf(suite, secret), context, hedge });
  };
  return encodeFrame(
    encodeBody(header, content),
    encodeCommitTrailer({
      ...unsigned,
      oldSignature: signBy('commit-old', oldSecret),
      newSignature: signBy('commit-new', newSecret),
    }),
  );
}
