/** The public tree of a sealed group and the plan of a commit (docs/sealed-groups.md §3, §5). */
export * from './commit-plan.ts';
export { decodeNode, encodeNode } from './node-codec.ts';
export type { ParseKey } from './node-codec.ts';
export { maxDeviceLeaves, maxPendingMs } from './operation-authority.ts';
export { maxRecipients, planCommit, suggestFills } from './plan-commit.ts';
export { administers, isBelow, rank, rolesByRank } from './roles.ts';
export type { GroupMode, Role } from './roles.ts';
export { TreeDraft } from './tree-draft.ts';
export type { TreeChanges } from './tree-draft.ts';
export * from './tree-math.ts';
export * from './tree-node.ts';
export { TreeMisuseError } from './tree-misuse.ts';
export { filteredDirectPath, resolution } from './tree-reader.ts';
export type { RoleCounts, TreeReader } from './tree-reader.ts';
