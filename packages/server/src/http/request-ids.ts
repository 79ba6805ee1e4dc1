/**
 * Ids of requests: 12 characters that say nothing and do not repeat, for logs and for people who report an error. Drawn
 * from a supply, because asking the system for a few random octets costs as much as asking it for thousands.
 */
import type { IncomingMessage } from 'node:http';
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

/** What load balancers make: 32 hexadecimal digits (nginx), a UUID, several numbers with separators (HAProxy). */
const wellFormed = /^[\w.:-]{8,64}$/;

/**
 * The id that a load balancer has given the request, so that its log and ours name it alike, else one of ours. Only a trusted
 * proxy is asked: anybody else could make many requests look like one, or write what he likes into the log.
 */
export function createRequestIdOf(
  random: RandomSource,
  isTrustedPeer: (request: IncomingMessage) => boolean,
): (request: IncomingMessage) => string {
  const nextId = createRequestIds(random);
  return (request) => {
    const given = request.headers['x-request-id'];
    return typeof given === 'string' && wellFormed.test(given) && isTrustedPeer(request) ? given : nextId();
  };
}
