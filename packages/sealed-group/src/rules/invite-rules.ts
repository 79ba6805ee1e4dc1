import { defineRules } from './rule.ts';

/** Rules of `src/invite/`. */
export const inviteRules = defineRules({
  'invite/link-form': { says: 'An invite link is https://HOST/i#TRANSFER.KEY.', checkedBy: 'client' },
  'invite/link-complete': {
    says: 'An invite link still has its fragment, with transfer id and key: some programs cut it off.',
    checkedBy: 'client',
  },
  'invite/link-checksum': {
    says: "An invite link's checksum holds: one mistyped letter must not use up the one read.",
    checkedBy: 'client',
    attack: 'F16',
  },
  'invite/opens': { says: "A sealed invite opens with the link's key.", checkedBy: 'client' },
  'invite/form': {
    says: 'An invite is canonically encoded, of at most 8 KiB, with every field of the right length and range.',
    checkedBy: 'client',
    attack: 'F10',
  },
  'invite/version': {
    says: 'An invite is of a protocol version and suite that this client knows.',
    checkedBy: 'client',
  },
  'invite/signature': {
    says: 'An invite is signed by the identity that it names as inviter.',
    checkedBy: 'client',
  },
  'invite/expected-inviter': {
    says: 'An invite that came from a known contact is signed by that contact.',
    checkedBy: 'client',
  },
  'invite/leaf-secret': {
    says: 'The leaf secret is a scalar other than zero.',
    checkedBy: 'client',
    attack: 'F7',
  },
  'invite/expired': {
    says: 'An invite is used before its leaf expires.',
    checkedBy: 'client',
    attack: 'F16',
  },
  'invite/tree-hash': {
    says: 'The tree that the server gives for the epoch of the invite has the hash in the invite.',
    checkedBy: 'client',
    attack: 'F2',
  },
  'invite/leaf': {
    says: "The invite's leaf stands in that tree: pending, added in that epoch by the inviter, with the secret's key and the same expiry.",
    checkedBy: 'client',
    attack: 'F2',
  },
  'invite/inviter-listed': {
    says: "The roster names the inviter's identity at the leaf that the invite names.",
    checkedBy: 'client',
  },
});
