/** Builds the frame that makes a group (§5). The group's id is random: it is what its members address, and says nothing. */
import type { RandomSource } from '@conclave/ristretto';
import type { Hedge } from '../hash/index.ts';
import { hedgedScalar } from '../hash/index.ts';
import type { Result } from '../result.ts';
import { accept } from '../result.ts';
import { EpochKeys, initialChain } from '../schedule/index.ts';
import type { SecretScalar } from '../signature/index.ts';
import { publicKeyOf, sign } from '../signature/index.ts';
import type { Suite } from '../suite.ts';
import type { GroupMode } from '../tree/index.ts';
import { PublicTree } from '../tree/index.ts';
import type { FrameHeader } from '../wire/index.ts';
import {
  confirmedTranscriptHash,
  emptyTranscript,
  encodeBody,
  encodeCreateTrailer,
  encodeFrame,
  frameBodyHash,
  frameLimits,
  trailerContext,
} from '../wire/index.ts';
import { encodeContext, trailerSignatureContext } from './context.ts';

export interface BuildCreateInput {
  readonly suite: Suite;
  readonly random: RandomSource;
  /** The server's origin, as it calls itself: 1 to 255 printable ASCII characters. */
  readonly origin: string;
  readonly mode: GroupMode;
  readonly nowMs: number;
  /** Key material of the creator's own for hedging, 32 bytes: its identity's secret, say. Never sent. */
  readonly hedgeSecret: Uint8Array;
  /** Makes the encrypted payload of the trailer. */
  readonly payload: (input: {
    readonly keys: EpochKeys;
    readonly bodyHash: Uint8Array;
    readonly leafSecret: SecretScalar;
  }) => Result<Uint8Array>;
}

export interface BuiltCreate {
  readonly bytes: Uint8Array;
  /** 16 bytes. */
  readonly groupId: Uint8Array;
  readonly bodyHash: Uint8Array;
  readonly leafSecret: SecretScalar;
  readonly keys: EpochKeys;
}

export function buildCreate(input: BuildCreateInput): Result<BuiltCreate> {
  const { suite, random, origin, mode, nowMs } = input;
  const header: FrameHeader = {
    origin,
    groupId: random.bytes(frameLimits.groupIdBytes),
    epoch: 0,
    nonce: random.bytes(frameLimits.nonceBytes),
    nowMs,
  };
  const hedge: Hedge = { secret: input.hedgeSecret, random, context: encodeContext(header) };
  const leafSecret = hedgedScalar(suite, 'leaf secret', hedge, 0) as SecretScalar;
  const leafKey = publicKeyOf(suite, leafSecret);
  const body = encodeBody(header, { kind: 'create', leafKey, mode });
  const bodyHash = frameBodyHash(body);
  const keys = EpochKeys.derive({
    chain: initialChain(),
    headSecret: leafSecret,
    context: {
      origin,
      groupId: header.groupId,
      mode,
      epoch: 0,
      treeHash: PublicTree.create(leafKey).treeHash(),
      confirmedTranscript: confirmedTranscriptHash(emptyTranscript, bodyHash),
    },
    leafCount: 1,
  });
  const payload = input.payload({ keys, bodyHash, leafSecret });
  if (!payload.ok) return payload;
  const rest = { confirm: keys.confirmation(), payload: payload.value };
  const possession = sign(suite, {
    purpose: 'create-possession',
    secret: leafSecret,
    publicKey: leafKey,
    context: trailerSignatureContext(header, trailerContext(bodyHash, encodeCreateTrailer(rest))),
    hedge: { secret: leafSecret, random, context: bodyHash },
  });
  const bytes = encodeFrame(body, encodeCreateTrailer({ ...rest, possession }));
  return accept({ bytes, groupId: header.groupId, bodyHash, leafSecret, keys });
}
