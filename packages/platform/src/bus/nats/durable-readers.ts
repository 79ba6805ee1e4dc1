/**
 * Durable consumers by which other programs read the stream (Centrifugo's, for one). They live in the stream, so they are gone
 * when it is lost, and who reads by one would wait for ever: whoever makes the stream makes them too.
 *
 * A reader that exists is left as it is: its program may have changed it.
 */
import { AckPolicy, DeliverPolicy, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';

export interface DurableReader {
  readonly name: string;
  readonly subjects: readonly string[];
}

/** The server's code for a consumer that is not there. */
const CONSUMER_NOT_FOUND = 10014;
/** How long the program may take for a message before it gets it again. */
const ACK_WAIT_MS = 30_000;

/** It begins with what is published from now on. Rejects with the client library's errors. */
export async function ensureReaders(
  manager: JetStreamManager,
  stream: string,
  readers: readonly DurableReader[],
): Promise<void> {
  for (const { name, subjects } of readers) {
    if (await exists(manager, stream, name)) continue;
    await manager.consumers.add(stream, {
      durable_name: name,
      filter_subjects: [...subjects],
      deliver_policy: DeliverPolicy.New,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
    });
  }
}

async function exists(manager: JetStreamManager, stream: string, name: string): Promise<boolean> {
  try {
    await manager.consumers.info(stream, name);
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return false;
    throw error;
  }
}
