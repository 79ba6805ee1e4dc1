/** What an epoch's keys are bound to (docs/sealed-groups.md §6): whoever computes other keys saw another history. */
import { hashTuple, uint32 } from '../hash/index.ts';
import { suiteId } from '../suite.ts';
import type { GroupMode, Role } from '../tree/roles.ts';
import { uint64 } from './uint64.ts';

export interface EpochContext {
  readonly origin: string;
  /** 16 bytes. */
  readonly groupId: Uint8Array;
  readonly mode: GroupMode;
  readonly epoch: number;
  /** Root hash of the tree of this epoch, 32 bytes. */
  readonly treeHash: Uint8Array;
  /** Tc of this epoch, 32 bytes: covers every frame so far, the last one without what is encrypted under these keys. */
  readonly confirmedTranscript: Uint8Array;
}

/** Role codes under the hash: the wire's numbers. */
const roleCodes: Readonly<Record<Role, number>> = { owner: 1, admin: 2, member: 3, reader: 4 };

/** 32 bytes. */
export function epochContextHash(context: EpochContext): Uint8Array {
  return hashTuple(
    'epoch-context',
    uint32(suiteId),
    new TextEncoder().encode(context.origin),
    encodeModeForHash(context.mode),
    context.groupId,
    uint64(context.epoch),
    context.treeHash,
    context.confirmedTranscript,
  );
}

function encodeModeForHash(mode: GroupMode): Uint8Array {
  return Uint8Array.of(mode.leafProof ? 1 : 0, roleCodes[mode.minWriter], mode.ownDevices ? 1 : 0);
}
