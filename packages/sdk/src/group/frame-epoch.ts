import { parseFrame } from '@conclave/sealed-group';

/** The epoch that a frame was made in; 0 for octets that are none. */
export function epochOfFrame(octets: Uint8Array): number {
  const parsed = parseFrame(octets);
  return parsed.ok ? parsed.value.header.epoch : 0;
}
