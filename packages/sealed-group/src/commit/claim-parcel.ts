/**
 * Claims on their way to a worker. Their octets are views of whole frames; a structured clone would copy every frame behind
 * them, and walk thousands of small arrays. So they are copied into one buffer, which is handed over, and described by a row
 * of numbers:
 *
 *   names   ["commit/possession", "possession", …]     texts, each once
 *   shape   [frames, claims, kind, rule, …, length, …]  numbers in the order of the claims
 *   octets  all octets in the same order
 */
import type { Claim, KeysClaim, SealingProofClaim, SignatureClaim } from './claims.ts';

export interface ClaimParcel {
  readonly names: readonly string[];
  readonly shape: Uint32Array<ArrayBuffer>;
  readonly octets: Uint8Array<ArrayBuffer>;
}

const kinds = ['signature', 'keys', 'sealing'] as const satisfies Claim['kind'][];

/** Copies the octets; the claims stay whole. */
export function packClaims(frames: readonly (readonly Claim[])[]): ClaimParcel {
  const names = new Map<string, number>();
  const shape: number[] = [frames.length];
  const parts: Uint8Array[] = [];
  let size = 0;

  const putName = (name: string): void => {
    let index = names.get(name);
    if (index === undefined) names.set(name, (index = names.size));
    shape.push(index);
  };
  const putOctets = (part: Uint8Array): void => {
    shape.push(part.length);
    parts.push(part);
    size += part.length;
  };
  const putList = (list: readonly Uint8Array[]): void => {
    shape.push(list.length);
    for (const part of list) putOctets(part);
  };

  for (const claims of frames) {
    shape.push(claims.length);
    for (const claim of claims) {
      shape.push(kinds.indexOf(claim.kind));
      if (claim.kind === 'sealing') {
        putOctets(claim.context);
        putOctets(claim.bodyHash);
        putOctets(claim.proof);
        shape.push(claim.sealed.length);
        for (const { publicKey, commitments, handles } of claim.sealed) {
          putOctets(publicKey);
          putOctets(commitments);
          putList(handles);
        }
        shape.push(claim.recipients.length);
        for (const keys of claim.recipients) putList(keys);
        continue;
      }
      putName(claim.rule);
      if (claim.kind === 'keys') {
        putList(claim.keys);
        continue;
      }
      putName(claim.purpose);
      putOctets(claim.publicKey);
      putOctets(claim.context);
      putOctets(claim.signature);
    }
  }

  const octets = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    octets.set(part, at);
    at += part.length;
  }
  return { names: [...names.keys()], shape: Uint32Array.from(shape), octets };
}

/** What is handed over rather than copied: the sender's arrays are empty afterwards. */
export function transferablesOf({ shape, octets }: ClaimParcel): ArrayBuffer[] {
  return [shape.buffer, octets.buffer];
}

/** The claims again, as views of the parcel. Parcels come from our own process: a broken one is a bug, and throws. */
export function unpackClaims({ names, shape, octets }: ClaimParcel): Claim[][] {
  let next = 0;
  let at = 0;
  const number = (): number => {
    const value = shape[next++];
    if (value === undefined) throw new RangeError('the parcel ends early');
    return value;
  };
  const name = (): string => {
    const value = names[number()];
    if (value === undefined) throw new RangeError('a name that the parcel does not have');
    return value;
  };
  const part = (): Uint8Array => {
    const start = at;
    at += number();
    if (at > octets.length) throw new RangeError('the octets end early');
    return octets.subarray(start, at);
  };
  const list = <T>(read: () => T): T[] => Array.from({ length: number() }, read);

  const claim = (): Claim => {
    const kind = kinds[number()];
    if (kind === undefined) throw new RangeError('a kind of claim that does not exist');
    switch (kind) {
      case 'signature':
        return {
          kind,
          rule: name() as SignatureClaim['rule'],
          purpose: name() as SignatureClaim['purpose'],
          publicKey: part(),
          context: part(),
          signature: part(),
        };
      case 'keys':
        return { kind, rule: name() as KeysClaim['rule'], keys: list(part) };
      case 'sealing':
        return {
          kind,
          context: part(),
          bodyHash: part(),
          proof: part(),
          sealed: list(() => ({
            // Decoding it is part of the verification.
            publicKey: part() as SealingProofClaim['sealed'][number]['publicKey'],
            commitments: part(),
            handles: list(part),
          })),
          recipients: list(() => list(() => part() as SealingProofClaim['recipients'][number][number])),
        };
      default:
        return kind satisfies never;
    }
  };
  return list(() => list(claim));
}
