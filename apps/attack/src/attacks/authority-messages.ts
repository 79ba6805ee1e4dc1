/** Messages and leaves that their sender has no standing for, with other things wrong; each list begins with those. */
import type { LeaveOptions, Mallory, MessageOptions } from '../mallory/mallory.ts';
import { newSecret } from '../mallory/mallory.ts';
import type { MakeFrame, Violation } from './combination.ts';
import { clock, eligibility, epoch, form, plan } from './structural-violations.ts';

type Sent = MessageOptions & LeaveOptions;
export type SentViolation = Violation<Sent>;

const sixMinutesMs = 360_000;

export const byReader = standing('a reader writes', 'commit/message-writer', ownLeaf);
export const byPending = standing('a pending leaf writes', 'commit/message-writer', ownLeaf);
export const leaveByPending = standing('a pending leaf leaves', 'commit/leave-joined', () => ({}));
export const leaveByLastOwner = standing('the last owner leaves', 'commit/leave-last-owner', () => ({}));
/** The key of another epoch proves nothing at all: the epoch has to stay as it is. */
export const unsigned: SentViolation = {
  ...standing('nobody signed', 'commit/message-proof', () => ({})),
  needs: ['epoch'],
};

/** With a message and a leave alike. */
export const sentViolations: readonly SentViolation[] = [
  header('an origin with a space', 'frame/origin', form, 'origin', () => ({ origin: 'conclave test' })),
  header('a nonce of 15 bytes', 'frame/length', form, 'nonce', ({ header: { nonce } }) => ({
    nonce: nonce.subarray(1),
  })),
  header('another server’s origin', 'commit/eligible', eligibility, 'origin', () => ({
    origin: 'elsewhere.example',
  })),
  {
    what: 'a key of its own choice',
    rule: 'commit/eligible',
    step: eligibility,
    touches: ['secret'],
    change: () => ({ secret: newSecret() }),
  },
  header('six minutes ahead', 'commit/clock', clock, 'nowMs', ({ header: { nowMs } }) => ({
    nowMs: nowMs + sixMinutesMs,
  })),
];

export const messageViolations: readonly SentViolation[] = [
  ...sentViolations,
  header('the next epoch', 'commit/epoch', epoch, 'epoch', (mallory) => ({
    epoch: mallory.header.epoch + 1,
  })),
];

export const sentMessage: MakeFrame<Sent> = (mallory, _good, changes) =>
  mallory.message(changes.reduce(both));

export const sentLeave: MakeFrame<Sent> = (mallory, _good, changes) =>
  mallory.leaveFrame(changes.reduce(both));

function both(first: Sent, second: Sent): Sent {
  return { ...first, ...second, header: { ...first.header, ...second.header } };
}

function ownLeaf({ leaf }: Mallory): Sent {
  return { leaf };
}

function standing(
  what: string,
  rule: SentViolation['rule'],
  change: (mallory: Mallory) => Sent,
): SentViolation {
  return { what, rule, step: plan, touches: ['standing'], change };
}

function header(
  what: string,
  rule: SentViolation['rule'],
  step: number,
  touched: string,
  change: (mallory: Mallory) => NonNullable<Sent['header']>,
): SentViolation {
  return { what, rule, step, touches: [touched], change: (mallory) => ({ header: change(mallory) }) };
}
