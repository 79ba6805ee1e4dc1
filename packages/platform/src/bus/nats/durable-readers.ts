/**
 * Durable consumers by which other programs read the stream (Centrifugo's, for one). They live in the stream, so they are gone
 * when it is lost, and who reads by one would wait for ever: whoever makes the stream makes them too.
 *
 * A reader that exists is left as it is: its program may have changed it. But it is given what it has once more, which the server
 * has to write to its file: a stream whose files were deleted under the server's hands takes publications as before, and
 * refuses the program its own reader when that comes again.
 */
import { AckPolicy, DeliverPolicy, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { apiCodes } from './nats-errors.ts';

export interface DurableReader {
  readonly name: string;
  readonly subjects: readonly string[];
}

/** How long the program may take for a message before it gets it again. */
const ACK_WAIT_MS = 30_000;

/**
 * It begins with what is published from now on. Resolves with the names of readers that are there and that the server cannot
 * write. Rejects with the client library's errors.
 */
export async function ensureReaders(
  manager: JetStreamManager,
  stream: string,
  readers: readonly DurableReader[],
): Promise<string[]> {
  const unwritable: string[] = [];
  for (const { name, subjects } of readers) {
    const state = await touch(manager, stream, name);
    if (state === 'unwritable') unwritable.push(name);
    if (state !== 'missing') continue;
    await manager.consumers.add(stream, {
      durable_name: name,
      filter_subjects: [...subjects],
      deliver_policy: DeliverPolicy.New,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
    });
  }
  return unwritable;
}

async function touch(
  manager: JetStreamManager,
  stream: string,
  name: string,
): Promise<'there' | 'missing' | 'unwritable'> {
  try {
    await manager.consumers.update(stream, name, {});
    return 'there';
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    if (error.code === apiCodes.consumerNotFound) return 'missing';
    if (error.code === apiCodes.consumerCreateFailed) return 'unwritable';
    throw error;
  }
}
