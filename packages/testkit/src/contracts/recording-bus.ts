import type { Bus } from '@conclave/platform';

export interface Publication {
  readonly subject: string;
  readonly messageId: string;
  readonly text: string;
}

/** A bus that keeps what it accepted. `behave` decides about each publication: accept, wait or throw. */
export function createRecordingBus() {
  const accepted: Publication[] = [];
  const attempts: string[] = [];
  const inFlightBySubject = new Map<string, number>();
  let behave: (publication: Publication) => Promise<void> = async () => {};
  let mostInFlightPerSubject = 0;
  const availableListeners = new Set<() => void>();
  const bus: Bus = {
    async publish(subject, payload, { messageId }) {
      const publication = { subject, messageId, text: new TextDecoder().decode(payload) };
      attempts.push(messageId);
      const inFlight = (inFlightBySubject.get(subject) ?? 0) + 1;
      inFlightBySubject.set(subject, inFlight);
      mostInFlightPerSubject = Math.max(mostInFlightPerSubject, inFlight);
      try {
        await behave(publication);
        accepted.push(publication);
      } finally {
        inFlightBySubject.set(subject, inFlightBySubject.get(subject)! - 1);
      }
    },
    async subscribe() {
      throw new Error('the relay does not subscribe');
    },
    onGap: () => ({ [Symbol.dispose]() {} }),
    onAvailable(listener) {
      availableListeners.add(listener);
      return { [Symbol.dispose]: () => void availableListeners.delete(listener) };
    },
    async close() {},
  };
  return {
    bus,
    accepted,
    attempts,
    setBehaviour(next: (publication: Publication) => Promise<void>) {
      behave = next;
    },
    /** As a bus that was away and is back. */
    tellAvailable() {
      for (const listener of availableListeners) listener();
    },
    get mostInFlightPerSubject() {
      return mostInFlightPerSubject;
    },
  };
}
