import { equalBytes } from '@noble/ciphers/utils.js';
import type { EpochKeys } from '../schedule/epoch-keys.ts';
import type { FrameHeader } from '../wire/frame.ts';

/** Whether these are the keys of the frame's group and epoch. */
export function isOfEpoch(frame: FrameHeader, keys: EpochKeys): boolean {
  return frame.epoch === keys.epoch && equalBytes(frame.groupId, keys.groupId);
}
