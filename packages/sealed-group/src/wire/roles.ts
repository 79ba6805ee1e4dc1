/** Roles and modes between their wire form and the names used everywhere else. */
import { create } from '@bufbuild/protobuf';
import type { GroupMode, Role } from '../tree/index.ts';
import type { Mode as WireMode } from './gen/sealed_group_pb.js';
import { ModeSchema, Role as WireRole } from './gen/sealed_group_pb.js';

const wireRoleByRole: Readonly<Record<Role, WireRole>> = {
  owner: WireRole.OWNER,
  admin: WireRole.ADMIN,
  member: WireRole.MEMBER,
  reader: WireRole.READER,
};

export function encodeRole(role: Role): WireRole {
  return wireRoleByRole[role];
}

const roleByNumber: readonly (Role | undefined)[] = [undefined, 'owner', 'admin', 'member', 'reader'];

/** The role's name, or undefined for a number that names none. */
export function decodeRole(role: number): Role | undefined {
  return roleByNumber[role];
}

export function encodeMode(mode: GroupMode): WireMode {
  return create(ModeSchema, {
    leafProof: mode.leafProof,
    minWriter: encodeRole(mode.minWriter),
    ownDevices: mode.ownDevices,
  });
}

/** Undefined when absent or when `minWriter` is not owner, admin or member: readers never write. */
export function decodeMode(
  mode: (Pick<WireMode, 'leafProof' | 'ownDevices'> & { readonly minWriter: number }) | undefined,
): GroupMode | undefined {
  const minWriter = mode === undefined ? undefined : decodeRole(mode.minWriter);
  if (mode === undefined || minWriter === undefined || minWriter === 'reader') return undefined;
  return { leafProof: mode.leafProof, minWriter, ownDevices: mode.ownDevices };
}
