/** What people see of a group and of each other: names and pictures, as text that cannot rearrange the screen. */
import { create } from '@bufbuild/protobuf';
import type { GroupProfile as WireProfile, Picture as WirePicture } from '../wire/gen/member_pb.js';
import { GroupProfileSchema, PictureSchema } from '../wire/gen/member_pb.js';

/** An encrypted blob of the group. */
export interface Picture {
  /** 1 to 64 bytes. */
  readonly blobId: Uint8Array;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** Of the decrypted picture, 32 bytes. */
  readonly sha256: Uint8Array;
}

export interface GroupProfile {
  readonly name: string;
  readonly description: string;
  readonly picture: Picture | undefined;
}

export const emptyProfile: GroupProfile = { name: '', description: '', picture: undefined };

/** UTF-8 bytes. */
export const maxNameBytes = 256;
export const maxDescriptionBytes = 4096;
/** Control characters, and the marks with which text can reorder what stands around it (Unicode UAX #9). */
const unprintable = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

/** A single line. */
export function isName(text: string, maxBytes = maxNameBytes): boolean {
  return text.isWellFormed() && !unprintable.test(text) && new TextEncoder().encode(text).length <= maxBytes;
}

/** May have line breaks. */
export function isDescription(text: string): boolean {
  return isName(text.replaceAll('\n', ' '), maxDescriptionBytes);
}

export function isPicture(picture: Picture): boolean {
  const { blobId, key, sha256 } = picture;
  return blobId.length > 0 && blobId.length <= 64 && key.length === 32 && sha256.length === 32;
}

export function isProfile({ name, description, picture }: GroupProfile): boolean {
  return isName(name) && isDescription(description) && (picture === undefined || isPicture(picture));
}

export function encodePicture(picture: Picture): WirePicture {
  return create(PictureSchema, { ...picture });
}

/** Copies. */
export function decodePicture(picture: WirePicture | undefined): Picture | undefined {
  if (picture === undefined) return undefined;
  const { blobId, key, sha256 } = picture;
  return { blobId: Uint8Array.from(blobId), key: Uint8Array.from(key), sha256: Uint8Array.from(sha256) };
}

export function encodeProfile({ name, description, picture }: GroupProfile): WireProfile {
  return create(GroupProfileSchema, {
    name,
    description,
    ...(picture === undefined ? {} : { picture: encodePicture(picture) }),
  });
}

/** Undefined when it is not one that may be shown. */
export function decodeProfile(profile: WireProfile): GroupProfile | undefined {
  const { name, description } = profile;
  const decoded = { name, description, picture: decodePicture(profile.picture) };
  return isProfile(decoded) ? decoded : undefined;
}
