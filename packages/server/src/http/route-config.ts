/** What a route may say about itself in fastify's `config`, read by the hooks of ./create-http.ts. */
import type { Config } from '../config/config-schema.ts';

export type RateLimitName = Exclude<keyof Config['rateLimits'], 'request'>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The limit, by client address, that this route draws on besides the one for all requests. */
    rateLimit?: RateLimitName;
  }
}
