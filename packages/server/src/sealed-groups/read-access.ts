/**
 * Who may read a group: challenge, proof of membership, token (docs/sealed-groups.md §7). Nothing is kept between the
 * steps, so any process can take any of them. Every refusal is the same answer, for groups that do not exist as well.
 */
import type { Clock, RandomSource } from '@conclave/platform';
import {
  checkChallenge,
  checkReadToken,
  issueChallenge,
  issueReadToken,
  readClaim,
} from '@conclave/sealed-group';
import type { TreeNode } from '@conclave/sealed-group';
import { ApiError } from '../errors/api-error.ts';
import type { ProofService } from '../proofs/proof-service.ts';
import { strangers } from './accept-frame.ts';
import type { Decoy } from './decoy-group.ts';
import type { GroupCache } from './group-cache.ts';
import type { GroupRow, GroupRows } from './group-rows.ts';

/** Short, because a token is a bearer's; long enough for a phone that looks in now and then. */
export const readTokenLifetimeMs = 10 * 60 * 1000;

export interface ReadAccessDeps {
  readonly proofs: ProofService;
  readonly rows: GroupRows;
  readonly cache: GroupCache;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly origin: string;
  readonly challengeKey: Uint8Array;
  readonly tokenKey: Uint8Array;
  readonly decoy: Decoy;
}

export interface ReadProof {
  readonly challenge: Uint8Array;
  readonly node: number;
  readonly signature: Uint8Array;
}

/** What a valid token opens. */
export interface ReadableGroup {
  readonly groupId: string;
  readonly row: GroupRow;
  readonly lastRemovalEpoch: number;
}

export type ReadAccess = ReturnType<typeof createReadAccess>;

export function createReadAccess(deps: ReadAccessDeps) {
  const { proofs, rows, cache, clock, random, origin, decoy } = deps;
  const scopeOf = (groupId: string) => ({ origin, groupId: fromBase64url(groupId) });

  return {
    challenge(groupId: string) {
      return issueChallenge({ ...scopeOf(groupId), key: deps.challengeKey, nowMs: clock.nowMs(), random });
    },

    async redeem(groupId: string, proof: ReadProof) {
      const nowMs = clock.nowMs();
      const fresh = checkChallenge({ ...scopeOf(groupId), key: deps.challengeKey, nowMs }, proof.challenge);
      if (!fresh.ok) throw readDenied();
      const row = await rows.findGroup(groupId);
      // A group that does not exist is asked for its node too: the rows of both are looked for alike.
      const node = await cache.node(groupId, row?.epoch ?? 0, proof.node);
      const proven = await isProven(row === undefined ? strangers : groupId, node, groupId, proof);
      if (row === undefined || !proven) throw readDenied();
      const content = { epoch: row.epoch, expiresAtMs: nowMs + readTokenLifetimeMs };
      return { token: issueReadToken({ ...scopeOf(groupId), key: deps.tokenKey }, content), ...content };
    },

    /** Throws {@link ApiError} `CONCLAVE_READ_DENIED` unless `authorization` holds a token that is valid now. */
    async require(groupId: string, authorization: string | undefined): Promise<ReadableGroup> {
      const token = /^Bearer ([A-Za-z0-9_-]{1,128})$/.exec(authorization ?? '')?.[1];
      const row = await rows.findGroup(groupId);
      if (token === undefined || row === undefined) throw readDenied();
      const { lastRemovalEpoch } = cache.head(groupId, row).head;
      const scope = { ...scopeOf(groupId), key: deps.tokenKey };
      const valid = checkReadToken(scope, fromBase64url(token), { nowMs: clock.nowMs(), lastRemovalEpoch });
      if (!valid.ok) throw readDenied();
      return { groupId, row, lastRemovalEpoch };
    },
  };

  /** A node that does not stand in the tree costs what a false signature of it would, so that its absence takes as long. */
  async function isProven(
    queue: string,
    node: TreeNode | undefined,
    groupId: string,
    { challenge, signature }: ReadProof,
  ): Promise<boolean> {
    const claim =
      node === undefined
        ? decoy.falseClaim(signature)
        : readClaim(scopeOf(groupId), { challenge, publicKey: node.publicKey, signature });
    return (await proofs.verify(queue, [claim])) === undefined && node !== undefined;
  }
}

function readDenied(): ApiError {
  return new ApiError('CONCLAVE_READ_DENIED', 'Reading this group needs a valid proof of membership');
}

function fromBase64url(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64url'));
}
