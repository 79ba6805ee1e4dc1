/**
 * Messages and leaves, as a member processes them (§5, §6). What a member may have got wrong becomes an event that says so, and
 * nothing else. What the server had to refuse is a violation: it stands in no log that continues what was verified (§5.11).
 */
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
import type { Result } from '../result.ts';
import { accept } from '../result.ts';
import type { RuleId } from '../rules/index.ts';
import type { LeaveFrame, MessageFrame } from '../wire/index.ts';
import type { MemberDeps, MemberState } from './member-state.ts';
import { viewPreviousEpoch } from './previous-epoch.ts';
import type { Processed } from './process-commit.ts';

/**
 * Opens and accepts a message: the keys that opened it are gone afterwards, so the caller stores the message in the same
 * step as the new state. The proof for the server is not verified again if it opens: whoever could encrypt this had the epoch's
 * keys, and the inner signature says who it was. If it does not open, the proof tells whose fault that is: a member's, which can
 * prove anything to the server; or the server's, whose log has a message of another history.
 */
export function processMessage(deps: MemberDeps, state: MemberState, frame: MessageFrame): Result<Processed> {
  const { bodyHash } = frame;
  const next = { ...state, lastSeen: bodyHash };
  const name = bytesToHex(bodyHash);
  if (state.sent.has(name)) {
    const sent = new Map([...state.sent].filter(([other]) => other !== name));
    return accept({ state: { ...next, sent }, events: [{ kind: 'own-message', bodyHash }] });
  }
  const unauthentic = (rule: RuleId): Result<Processed> =>
    accept({ state: next, events: [{ kind: 'unauthentic-message', bodyHash, rule }] });
  // A newcomer passes messages by rules of epochs that it does not know; of what lies ahead it knows as much as anybody.
  const knowsPast = state.status !== 'joining';
  const epoch = checkMessageEpoch(state.group, frame);
  if (!epoch.ok) return knowsPast || frame.header.epoch > state.group.epoch ? epoch : unauthentic(epoch.rule);
  const isCurrent = epoch.value === 'current';
  const keys = isCurrent ? state.keys : state.previousKeys;
  const previous = state.previous;
  if (keys === undefined || (!isCurrent && previous === undefined)) {
    return accept({ state: next, events: [{ kind: 'unreadable-message', bodyHash }] });
  }
  const proof = checkMessageProof(state.group, leafFrom(state.group, frame), frame);
  if (!proof.ok) return proof;
  const { tree, mode } = state.group;
  const leaves = isCurrent || previous === undefined ? tree : viewPreviousEpoch(previous, tree);
  const opened = openMessage({
    keys,
    frame,
    tree: leaves,
    mode,
    signingKeyOf: (leaf) => state.roster.entryAt(leaf, frame.header.epoch)?.signingKey,
  });
  if (!opened.ok) {
    const eligible = checkEligibility(deps, state.group, frame);
    return eligible.ok ? unauthentic(opened.rule) : eligible;
  }
  const { sender, content, sentAtMs, lastSeen } = opened.value;
  const accepted = opened.value.accept();
  if (!accepted.ok) return unauthentic(accepted.rule);
  return accept({
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
  });
}

export function processLeave(deps: MemberDeps, state: MemberState, frame: LeaveFrame): Result<Processed> {
  const next = { ...state, lastSeen: frame.bodyHash };
  const eligible = checkEligibility(deps, state.group, frame);
  if (!eligible.ok) return eligible;
  // Of leaves before its time a newcomer knows nothing: what these rules say is not held against the server.
  const leave = verifyLeave(state.group, frame);
  if (!leave.ok) return accept({ state: next, events: [{ kind: 'refused-leave', rule: leave.rule }] });
  return accept({
    state: { ...next, group: noteLeave(state.group, leave.value.leave) },
    events: [{ kind: 'leave-announced', leaf: leave.value.leave.leaf }],
  });
}
