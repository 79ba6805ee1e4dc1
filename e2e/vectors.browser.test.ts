/** The known answers hold in the browser as they do in Node: the same code, another engine. */
import { describe, expect, it } from 'vitest';
import { createSuite, decodeInvite, SealedGroup, SigningKey, verifyInvite } from '@conclave/sealed-group';
import { hexToBytes } from '@noble/hashes/utils.js';
import {
  checkInviteVectors,
  computeVectors,
  type InviteVectors,
} from '../packages/sealed-group/test/schedule/vectors.ts';
import { seededRandom } from '../packages/sealed-group/test/schedule/seeded-random.ts';
import {
  hashingVectors,
  sealingVectors,
  signatureVectors,
} from '../packages/sealed-group/test/sealing/vectors.ts';
import {
  checkIdentityVectors,
  identityVectors,
} from '../packages/sealed-group/test/vectors/identity-vectors.ts';
import { checkPreviewVectors } from '../packages/sealed-group/test/vectors/preview-vectors.ts';
import {
  checkReadingVectors,
  readingVectors,
} from '../packages/sealed-group/test/vectors/reading-vectors.ts';
import {
  attachmentVectors,
  checkAttachmentVectors,
  type AttachmentVectors,
} from '../packages/sdk/test/attachment-vectors.ts';
import attachments from '../vectors/attachments.json' with { type: 'json' };
import frames from '../vectors/frames.json' with { type: 'json' };
import hashing from '../vectors/hashing.json' with { type: 'json' };
import identity from '../vectors/identity.json' with { type: 'json' };
import invites from '../vectors/invites.json' with { type: 'json' };
import messages from '../vectors/messages.json' with { type: 'json' };
import padding from '../vectors/padding.json' with { type: 'json' };
import preview from '../vectors/preview.json' with { type: 'json' };
import reading from '../vectors/reading.json' with { type: 'json' };
import schedule from '../vectors/schedule.json' with { type: 'json' };
import sealing from '../vectors/sealing.json' with { type: 'json' };
import secretTree from '../vectors/secret-tree.json' with { type: 'json' };
import signatures from '../vectors/signatures.json' with { type: 'json' };

describe('in the browser', () => {
  it('hashing, signatures and a sealing proof come out as in vectors/', () => {
    expect(hashingVectors()).toEqual(hashing);
    expect(signatureVectors()).toEqual(signatures);
    expect(sealingVectors()).toEqual(sealing);
  });

  it('the key schedule, messages, padding and invites do', () => {
    expect(computeVectors()).toEqual({
      schedule,
      'secret-tree': secretTree,
      messages,
      padding,
      invites,
    });
    expect(() => checkInviteVectors(invites as InviteVectors)).not.toThrow();
  });

  it('identities, a roster snapshot and proofs for reading do, and what is changed is refused', () => {
    expect(identityVectors()).toEqual(identity);
    expect(() => checkIdentityVectors(identity)).not.toThrow();
    expect(readingVectors()).toEqual(reading);
    expect(() => checkReadingVectors(reading)).not.toThrow();
  });

  it('whole frames let the holder of the invite in', () => {
    const { commit, nowMs } = frames;
    const suite = createSuite();
    const random = seededRandom('newcomer');
    const decoded = decodeInvite(hexToBytes(commit.invite));
    if (!decoded.ok) throw new Error(decoded.rule);
    const invite = verifyInvite(suite, decoded.value, { nowMs });
    if (!invite.ok) throw new Error(invite.rule);
    const profile = { name: 'newcomer', deviceName: 'browser', picture: undefined };
    const deps = { suite, random, identity: SigningKey.generate(random), profile };
    const input = {
      invite: invite.value,
      tree: hexToBytes(commit.tree),
      commit: hexToBytes(commit.frame),
      commitSeq: 2,
      snapshot: undefined,
    };
    const joined = SealedGroup.join(deps, input);
    expect(joined.ok && joined.value.group.me).toEqual({ leaf: commit.addedLeaf, epoch: 1 });
    const at = input.commit.length - 1;
    const flipped = { ...input, commit: input.commit.with(at, input.commit[at]! ^ 1) };
    expect(SealedGroup.join(deps, flipped)).toMatchObject({ rule: 'commit/new-signature' });
  });

  it('a preview is read as it is meant, and what is changed is refused', () => {
    expect(() => checkPreviewVectors(preview)).not.toThrow();
  });

  it('attachments do, and what is changed is refused', async () => {
    expect(await attachmentVectors()).toEqual(attachments);
    await expect(checkAttachmentVectors(attachments as AttachmentVectors)).resolves.toBeUndefined();
  });
});
