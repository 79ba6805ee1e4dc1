/** Messages and leaves, as a member processes them (§5, §6). What does not verify becomes an event that says so, and nothing else. */
import { bytesToHex } from '@noble/hashes/utils.js';
import {
  checkEligibility,
  checkMessageEpoch,
  checkMessageProof,
  leafFrom,
  noteLeave,
  verifyLeave,
} from '../commit/index.ts';
import { openMessage } from '../message/index.ts';
import type { RuleId } from '../rules/index.ts';
import type { LeaveFrame, MessageFrame } from '../wire/index.ts';
import type { MemberDeps, MemberState } from './member-state.ts';
import { viewPreviousEpoch } from './previous-epoch.ts';
import type { Processed } from './process-commit.ts';

/**
 * Opens and accepts a message: the keys that opened it are gone afterwards, so the caller stores the message in the same
 * step as the new state. The proof for the server is not verified again: whoever could encrypt this had the epoch's keys,
 * and the inner signature says who it was.
 */
export function processMessage(state: MemberState, frame: MessageFrame): Processed {
  const { bodyHash } = frame;
  const next = { ...state, lastSeen: bodyHash };
  const name = bytesToHex(bodyHash);
  if (state.sent.has(name)) {
    const sent = new Map([...state.sent].filter(([other]) => other !== name));
    return { state: { ...next, sent }, events: [{ kind: 'own-message', bodyHash }] };
  }
  const unauthentic = (rule: RuleId): Processed => ({
    state: next,
    events: [{ kind: 'unauthentic-message', bodyHash, rule }],
  });
  const epoch = checkMessageEpoch(state.group, frame);
  if (!epoch.ok) return unauthentic(epoch.rule);
  const isCurrent = epoch.value === 'current';
  const keys = isCurrent ? state.keys : state.previousKeys;
  const previous = state.previous;
  if (keys === undefined || (!isCurrent && previous === undefined)) {
    return { state: next, events: [{ kind: 'unreadable-message', bodyHash }] };
  }
  const proof = checkMessageProof(state.group, leafFrom(state.group, frame), frame);
  if (!proof.ok) return unauthentic(proof.rule);
  const { tree, mode } = state.group;
  const leaves = isCurrent || previous === undefined ? tree : viewPreviousEpoch(previous, tree);
  const opened = openMessage({
    keys,
    frame,
    tree: leaves,
    mode,
    signingKeyOf: (leaf) => state.roster.entryAt(leaf, frame.header.epoch)?.signingKey,
  });
  if (!opened.ok) return unauthentic(opened.rule);
  const { sender, content, sentAtMs, lastSeen } = opened.value;
  const accepted = opened.value.accept();
  if (!accepted.ok) return unauthentic(accepted.rule);
  return {
    state: next,
    events: [
      {
        kind: 'message',
        bodyHash,
        epoch: frame.header.epoch,
        sender: { leaf: sender, epoch: leaves.leaf(sender)!.epoch },
        entry: state.roster.entryAt(sender, frame.header.epoch),
        content,
        sentAtMs,
        lastSeen,
      },
    ],
  };
}

export function processLeave(deps: MemberDeps, state: MemberState, frame: LeaveFrame): Processed {
  const next = { ...state, lastSeen: frame.bodyHash };
  const eligible = checkEligibility(deps, state.group, frame);
  if (!eligible.ok) return { state: next, events: [{ kind: 'refused-leave', rule: eligible.rule }] };
  const leave = verifyLeave(state.group, frame);
  if (!leave.ok) return { state: next, events: [{ kind: 'refused-leave', rule: leave.rule }] };
  return {
    state: { ...next, group: noteLeave(state.group, leave.value.leave) },
    events: [{ kind: 'leave-announced', leaf: leave.value.leave.leaf }],
  };
}
