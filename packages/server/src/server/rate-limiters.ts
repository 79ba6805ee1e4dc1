/** One token bucket per limit of the configuration. */
import type { RateLimiter } from '@conclave/platform';
import type { Config } from '../config/config-schema.ts';
import type { CreateRateLimiter } from './open-engines.ts';

export type RateLimiters = Readonly<Record<keyof Config['rateLimits'], RateLimiter>>;

export function createRateLimiters(create: CreateRateLimiter, limits: Config['rateLimits']): RateLimiters {
  const bucket = (name: keyof RateLimiters) => {
    const { burst, perMinute } = limits[name];
    return create({ name, burst, perSecond: perMinute / 60 });
  };
  return {
    login: bucket('login'),
    registration: bucket('registration'),
    refresh: bucket('refresh'),
    transferCreate: bucket('transferCreate'),
    transferRead: bucket('transferRead'),
    groupCreate: bucket('groupCreate'),
    framePost: bucket('framePost'),
    readProof: bucket('readProof'),
    groupRead: bucket('groupRead'),
    blobPut: bucket('blobPut'),
    request: bucket('request'),
  };
}
