/** One token bucket per limit of the configuration. */
import { createTokenBucketLimiter, type Clock, type RateLimiter } from '@conclave/platform';
import type { Config } from '../config/config-schema.ts';

export type RateLimiters = Readonly<Record<keyof Config['rateLimits'], RateLimiter>>;

export function createRateLimiters(clock: Clock, limits: Config['rateLimits']): RateLimiters {
  const bucket = ({ burst, perMinute }: Config['rateLimits']['request']) =>
    createTokenBucketLimiter({ clock, burst, perSecond: perMinute / 60 });
  return {
    login: bucket(limits.login),
    registration: bucket(limits.registration),
    refresh: bucket(limits.refresh),
    transferCreate: bucket(limits.transferCreate),
    transferRead: bucket(limits.transferRead),
    groupCreate: bucket(limits.groupCreate),
    framePost: bucket(limits.framePost),
    readProof: bucket(limits.readProof),
    groupRead: bucket(limits.groupRead),
    blobPut: bucket(limits.blobPut),
    request: bucket(limits.request),
  };
}
