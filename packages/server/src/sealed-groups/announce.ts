/**
 * What the gateway is told of an accepted frame, through the outbox, in the unit that stores it
 * (docs/decisions/0001-shape.md, "Channels"). Payloads are Centrifugo server API commands.
 */
import { enqueueOutbox } from '@conclave/platform';
import type { OutboxEntry } from '@conclave/platform';
import type { ParsedFrame } from '@conclave/sealed-group';
import type { GroupTransaction } from './group-rows.ts';

/** Larger frames are announced without their octets, and readers fetch them. */
export const maxAnnouncedFrameBytes = 48 * 1024;

/** The channel of a group since the removal that made epoch `lastRemovalEpoch`. */
export function channelOf(groupId: string, lastRemovalEpoch: number): string {
  return `group:${groupId}.${lastRemovalEpoch}`;
}

export interface AnnouncedFrame {
  readonly groupId: string;
  readonly frame: ParsedFrame;
  readonly seq: number;
  /** Of the group before the frame: those who may read it are subscribed there. */
  readonly lastRemovalEpoch: number;
  /** Of the work that accepted it, if that is traced. */
  readonly traceParent: string | undefined;
}

export async function announceFrame(trx: GroupTransaction, announced: AnnouncedFrame): Promise<void> {
  await enqueueOutbox(trx, announcementOf(announced));
}

export function announcementOf(announced: AnnouncedFrame): OutboxEntry {
  const { groupId, frame, seq } = announced;
  const octets = frame.bytes.length <= maxAnnouncedFrameBytes ? { frame: base64Of(frame.bytes) } : {};
  const command = commandFor(groupId, `${groupId}.${seq}`, 'publish', {
    channel: channelOf(groupId, announced.lastRemovalEpoch),
    data: { seq, epoch: frame.header.epoch, ...octets },
    // The relay may tell the bus twice after a crash; subscribers hear it once.
    idempotency_key: `${groupId}.${seq}`,
  });
  return { ...command, traceParent: announced.traceParent };
}

/**
 * Ends the subscriptions to the channel that a removal has left behind; enqueued after the removing commit itself. Clients
 * of the protocol take it as final (code 2000) and ask for a new subscription, which only members get.
 */
export async function announceRemoval(
  trx: GroupTransaction,
  announced: { readonly groupId: string; readonly seq: number; readonly lastRemovalEpoch: number },
): Promise<void> {
  const { groupId, seq, lastRemovalEpoch } = announced;
  const command = commandFor(groupId, `${groupId}.${seq}.unsubscribe`, 'unsubscribe', {
    channel: channelOf(groupId, lastRemovalEpoch),
    // Subscribers of groups are anonymous.
    user: '',
  });
  await enqueueOutbox(trx, command);
}

function commandFor(
  groupId: string,
  messageId: string,
  method: 'publish' | 'unsubscribe',
  payload: object,
): OutboxEntry {
  return {
    subject: `events.group.${groupId}`,
    orderingKey: `group.${groupId}`,
    messageId,
    payload: Buffer.from(JSON.stringify({ method, payload })),
  };
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
