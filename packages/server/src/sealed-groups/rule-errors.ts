/** From a broken rule of the protocol to the one answer that this server gives for it. */
import type { RuleId, Violation } from '@conclave/sealed-group';
import { ApiError } from '../errors/api-error.ts';

/** For every rule that a frame can break after its sender has proven to belong to the group. */
export function ruleError({ rule, detail }: Violation): ApiError {
  const about = detail === undefined ? rule : `${rule}: ${detail}`;
  return new ApiError('CONCLAVE_RULE_BROKEN', `The frame breaks a rule (${about})`, { fields: { rule } });
}

/** For octets that are not a frame. */
export function malformedError({ rule, detail }: Violation): ApiError {
  const tooLarge: RuleId = 'frame/size';
  if (rule === tooLarge) return new ApiError('CONCLAVE_FRAME_TOO_LARGE', 'The frame is larger than 2 MiB');
  const about = detail === undefined ? rule : `${rule}: ${detail}`;
  return new ApiError('CONCLAVE_FRAME_MALFORMED', `The octets are not a frame (${about})`, {
    fields: { rule },
  });
}

/** The one answer for whoever has not proven to belong to the group [F14]: it says nothing about why. */
export function notEligibleError(): ApiError {
  return new ApiError('CONCLAVE_NOT_ELIGIBLE', 'The frame does not prove membership of this group');
}

/** Only for those who proved membership. */
export function wrongEpochError(epoch: number): ApiError {
  return new ApiError('CONCLAVE_WRONG_EPOCH', 'Another commit came first', { fields: { epoch } });
}

export function clockError(nowMs: number): ApiError {
  return new ApiError('CONCLAVE_CLOCK_SKEW', 'The time of the frame is too far off', {
    fields: { now_ms: nowMs },
  });
}
