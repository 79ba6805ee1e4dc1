/**
 * What a client makes of the part of a commit that the server could not check. Its type says the rule of §5: it answers
 * with findings, never with a refusal. What is wrong is left out and flags the committer.
 */
import type { RandomSource } from '@conclave/ristretto';
import type { RuleId } from '../rules/index.ts';
import type { EpochKeys } from '../schedule/epoch-keys.ts';
import type { Suite } from '../suite.ts';
import { administers } from '../tree/roles.ts';
import type { LeafIndex } from '../tree/tree-math.ts';
import { toLeafIndex } from '../tree/tree-math.ts';
import type { TreeReader } from '../tree/tree-reader.ts';
import { openCommitPayload } from './commit-payload.ts';
import type { IdentityEntry, UnverifiedEntry } from './identity-entry.ts';
import { verifyIdentityEntry } from './identity-entry.ts';
import type { GroupProfile } from './profile.ts';
import type { Roster } from './roster.ts';

export interface ExaminePayloadInput {
  readonly suite: Suite;
  readonly random: RandomSource;
  readonly origin: string;
  /** Of the epoch that the frame makes. */
  readonly keys: EpochKeys;
  readonly bodyHash: Uint8Array;
  /** From the frame's trailer. */
  readonly confirm: Uint8Array;
  readonly payload: Uint8Array;
  readonly committer: LeafIndex;
  /** After the commit. */
  readonly tree: Pick<TreeReader, 'leaf' | 'leafCount'>;
  /** Before the commit. */
  readonly roster: Roster;
}

export interface PayloadFindings {
  /** For `Roster.afterCommit`. */
  readonly entry: IdentityEntry | undefined;
  readonly others: readonly IdentityEntry[];
  readonly profile: GroupProfile | undefined;
  /** What the committer did wrong, for people and admin clients to see. */
  readonly flags: readonly RuleId[];
}

export function examineCommitPayload(input: ExaminePayloadInput): PayloadFindings {
  const { keys, bodyHash, committer, tree, roster } = input;
  const flags: RuleId[] = [];
  if (!keys.confirms(input.confirm)) flags.push('identity/confirm');
  const opened = openCommitPayload(keys, bodyHash, input.payload);
  if (!opened.ok) {
    return { entry: undefined, others: [], profile: undefined, flags: [...flags, opened.rule] };
  }

  const payload = opened.value;
  const others: IdentityEntry[] = [];
  for (const other of payload.others) {
    const index = toLeafIndex(other.leaf, tree.leafCount);
    const isNews = index === undefined || (index !== committer && roster.entry(index) === undefined);
    const entry = isNews ? examineEntry(input, other, flags) : undefined;
    if (entry !== undefined) others.push(entry);
  }
  let profile: GroupProfile | undefined;
  const leaf = tree.leaf(committer);
  if (payload.profile === 'invalid') flags.push('identity/profile-form');
  else if (payload.profile !== undefined) {
    if (leaf !== undefined && administers(leaf.role)) profile = payload.profile;
    else flags.push('identity/profile-authority');
  }

  if (payload.entry?.leaf !== committer) {
    flags.push('identity/entry-present');
    return { entry: undefined, others, profile, flags };
  }
  const entry = examineEntry(input, payload.entry, flags);
  if (entry !== undefined && leaf !== undefined && roster.isForeignDevice(entry, leaf)) {
    flags.push('identity/device-of-adder');
  }
  return { entry, others, profile, flags };
}

function examineEntry(
  { suite, random, origin, keys, tree, roster }: ExaminePayloadInput,
  unverified: UnverifiedEntry,
  flags: RuleId[],
): IdentityEntry | undefined {
  const entry = verifyIdentityEntry(suite, unverified, { origin, groupId: keys.groupId, tree, random });
  if (!entry.ok) {
    flags.push(entry.rule);
    return undefined;
  }
  if (roster.changesIdentity(entry.value)) {
    flags.push('identity/same-identity');
    return undefined;
  }
  return entry.value;
}
