/**
 * Ids of requests: 12 characters that say nothing and do not repeat, for logs and for people who report an error. Drawn
 * from a supply, because asking the system for a few random octets costs as much as asking it for thousands.
 */
import type { RandomSource } from '@conclave/platform';

const idBytes = 9;
const idsPerSupply = 512;

export function createRequestIds(random: RandomSource): () => string {
  let supply = Buffer.alloc(0);
  let next = 0;
  return () => {
    if (next === supply.length) {
      supply = Buffer.from(random.bytes(idBytes * idsPerSupply));
      next = 0;
    }
    return supply.toString('base64url', next, (next += idBytes));
  };
}
