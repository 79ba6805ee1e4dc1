/**
 * A stand-in for groups that do not exist, so that asking for one costs the server about the same work as asking for a
 * group that one does not belong to, and time does not tell them apart [F14].
 */
import { parsePublicKey } from '@conclave/sealed-group';
import type { Claim, FrameHeader, GroupHead, Suite } from '@conclave/sealed-group';

export interface Decoy {
  /** A group with this id, origin and epoch, and a key that nobody has the secret of. */
  standIn(like: Pick<FrameHeader, 'origin' | 'groupId' | 'epoch'>): GroupHead;
  /**
   * A claim that does not hold, for where there is nothing that `signature` could be of. It is the sender's, so that it is
   * refused where it would be refused otherwise: octets that are no signature cost a fiftieth of a false one.
   */
  falseClaim(signature: Uint8Array): Claim;
}

export function createDecoy(suite: Suite): Decoy {
  const { group, messageBase } = suite;
  // The message base is hashed to the group: nobody knows its logarithm.
  const publicKey = parsePublicKey(suite, group.encodePoint(messageBase));
  if (publicKey === undefined) throw new Error('the message base is no point');
  return {
    falseClaim: (signature) => ({
      kind: 'signature',
      rule: 'commit/eligible',
      purpose: 'message',
      publicKey,
      context: new Uint8Array(64),
      signature,
    }),
    standIn: ({ origin, groupId, epoch }) => ({
      origin,
      groupId,
      epoch,
      mode: { leafProof: false, minWriter: 'member', ownDevices: false },
      transcript: new Uint8Array(32),
      confirmedTranscript: new Uint8Array(32),
      lastNowMs: 0,
      epochKeys: [{ epoch, publicKey }],
      lastRemovalEpoch: 0,
      previousEpochGrace: false,
    }),
  };
}
