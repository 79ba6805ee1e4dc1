/** Roles, their order, and the mode of a group (docs/sealed-groups.md §5). */

export type Role = 'owner' | 'admin' | 'member' | 'reader';

/** From most to least able; the position is the role's code in node encodings. */
export const rolesByRank = ['owner', 'admin', 'member', 'reader'] as const satisfies readonly Role[];

/** Settings that every member and the delivery service agree on; part of the epoch's context. */
export interface GroupMode {
  /** Messages carry the writing leaf's signature; mandatory while a reader exists or `minWriter` is above member [F13]. */
  readonly leafProof: boolean;
  /** Lowest role that may write. */
  readonly minWriter: Exclude<Role, 'reader'>;
  /** Non-readers may add device leaves. */
  readonly ownDevices: boolean;
}

export function rank(role: Role): number {
  return rolesByRank.indexOf(role);
}

/** Whether `role` is strictly lower than `than`. */
export function isBelow(role: Role, than: Role): boolean {
  return rank(role) > rank(than);
}

/** Whether the role administers: adds others, removes, sets roles and the mode. */
export function administers(role: Role): boolean {
  return role === 'owner' || role === 'admin';
}
