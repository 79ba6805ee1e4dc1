/**
 * A stand-in for groups that do not exist, so that asking for one costs the server about the same work as asking for a
 * group that one does not belong to, and time does not tell them apart [F14].
 */
import { PublicTree, parsePublicKey } from '@conclave/sealed-group';
import type { Claim, FrameHeader, PublicGroup, Suite } from '@conclave/sealed-group';

export interface Decoy {
  /** A group with this id, origin and epoch, one leaf, and a key that nobody has the secret of. */
  standIn(like: Pick<FrameHeader, 'origin' | 'groupId' | 'epoch'>): PublicGroup;
  /** A claim as large as a signature's that does not hold. */
  readonly falseClaim: Claim;
}

export function createDecoy(suite: Suite): Decoy {
  const { group, messageBase } = suite;
  // The message base is hashed to the group: nobody knows its logarithm.
  const publicKey = parsePublicKey(suite, group.encodePoint(messageBase));
  if (publicKey === undefined) throw new Error('the message base is no point');
  const { one } = group.scalars;
  return {
    falseClaim: {
      rule: 'commit/eligible',
      equations: [
        {
          points: [group.generator, messageBase, group.add(messageBase, messageBase)],
          scalars: [one, one, one],
        },
      ],
    },
    standIn: ({ origin, groupId, epoch }) => ({
      origin,
      groupId,
      epoch,
      mode: { leafProof: false, minWriter: 'member', ownDevices: false },
      tree: PublicTree.create(publicKey),
      transcript: new Uint8Array(32),
      confirmedTranscript: new Uint8Array(32),
      lastNowMs: 0,
      epochKeys: [{ epoch, publicKey }],
      lastRemovalEpoch: 0,
      previousEpochGrace: false,
      outstandingLeaves: [],
    }),
  };
}
