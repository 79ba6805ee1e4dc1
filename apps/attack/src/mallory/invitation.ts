/** An invite as the honest client makes it, taken apart where a malicious inviter can put in something else. */
import { systemRandom } from '@conclave/platform';
import { formatInviteLink, sealInvite } from '@conclave/sealed-group';
import type { Role } from '@conclave/sealed-group';
import { ask, valueOf } from '@conclave/testkit';
import { decodeInvite, encodeInvite } from '../../../../packages/sealed-group/src/invite/index.ts';
import type { InviteFields } from '../../../../packages/sealed-group/src/invite/index.ts';
import type { SealedSnapshot } from '../../../../packages/sealed-group/src/identity/roster-snapshot.ts';
import type { SigningKey } from '../../../../packages/sealed-group/src/identity/index.ts';
import type { Mallory } from './mallory.ts';

/** For a new leaf, encoded and signed. The roster lies in the group's store, as `change` has it. */
export async function makeInvite(
  { member }: Mallory,
  role: Role,
  change: (roster: SealedSnapshot) => SealedSnapshot = (roster) => roster,
): Promise<Uint8Array> {
  const [leaf] = await member.add(role);
  const roster = change(valueOf(member.group.sealRosterFor(leaf!)));
  const { path, headers } = member.proveBlob(roster.bytes);
  const stored = await ask(member.url, 'PUT', path, { octets: roster.bytes, headers });
  if (stored.status !== 201) throw new Error(`storing the roster was answered with ${stored.status}`);
  const blobId = Uint8Array.from(Buffer.from(path.split('/').at(-1)!, 'base64url'));
  return valueOf(member.group.createInvite(leaf!, { blobId, ...roster }));
}

/** With these fields, signed again: by the inviter unless another signs. */
export function changedInvite(
  { member }: Mallory,
  invite: Uint8Array,
  change: (fields: InviteFields) => Partial<InviteFields>,
  identity: SigningKey = member.deps.identity,
): Uint8Array {
  const { inviterKey: _key, body: _body, signature: _signature, ...fields } = valueOf(decodeInvite(invite));
  return encodeInvite({ ...fields, ...change(fields) }, identity);
}

/** `via`: another origin that leads to the same server. `change`: of what lies in the one-read store. */
export async function linkTo(
  { member: { url } }: Mallory,
  invite: Uint8Array,
  options: { readonly via?: string; readonly change?: (sealed: Uint8Array) => Uint8Array } = {},
): Promise<string> {
  const { via = url, change = (octets) => octets } = options;
  const { bytes, secret } = sealInvite(invite, systemRandom);
  const kept = await ask(url, 'POST', '/_conclave/transfer/v1', { octets: change(bytes) });
  const { id } = kept.body as unknown as { readonly id: string };
  return formatInviteLink({ serverOrigin: new URL(via).origin, transferId: id, secret });
}
