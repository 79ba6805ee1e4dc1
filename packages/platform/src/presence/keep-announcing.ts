import type { Clock } from '../clock/clock.ts';
import type { Log } from '../log/log.ts';
import type { Presence } from './presence.ts';

export interface AnnouncingDeps {
  readonly presence: Presence;
  readonly clock: Clock;
  readonly log: Log;
  readonly kind: string;
  readonly id: string;
  /** Asked each time, so that it may change. */
  readonly data: () => string;
  /** How long others believe it after the last announcement; it is repeated three times as often. Default 15 s. */
  readonly ttlMs?: number;
}

/**
 * Announces `id` now and again until it is disposed, then says that it is gone. What fails is logged once per change and tried
 * again; neither starting nor stopping waits for longer than one announcement does.
 */
export function keepAnnouncing(deps: AnnouncingDeps): AsyncDisposable {
  const { presence, clock, log, kind, id, data, ttlMs = 15_000 } = deps;
  let timer: Disposable | undefined;
  let isFailing = false;
  let closed = false;

  const attempt = async (step: () => Promise<void>): Promise<void> => {
    try {
      await step();
      if (isFailing) log.info({ kind, id }, 'announced again');
      isFailing = false;
    } catch (err) {
      if (!isFailing) log.warn({ err, kind, id }, 'cannot announce what is here');
      isFailing = true;
    }
  };
  const announce = async (): Promise<void> => {
    await attempt(() => presence.announce(kind, id, data(), ttlMs));
    if (!closed) timer = clock.schedule(ttlMs / 3, start);
  };

  let running = Promise.resolve();
  const start = (): void => {
    running = announce();
  };
  start();
  return {
    async [Symbol.asyncDispose]() {
      closed = true;
      timer?.[Symbol.dispose]();
      await running;
      await attempt(() => presence.leave(kind, id));
    },
  };
}
