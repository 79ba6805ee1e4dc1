/** The page says every label and limit of the code: what is missing there, a second implementation gets wrong. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { firstWaitMs, maxWaitMs, reservationMs } from '../../src/commit/budget.ts';
import { graceMs, maxClockSkewMs } from '../../src/commit/freshness.ts';
import { maxEpochKeys } from '../../src/commit/public-group.ts';
import { maxOthers } from '../../src/identity/commit-payload.ts';
import { maxDescriptionBytes, maxNameBytes } from '../../src/identity/profile.ts';
import { linkSecretBytes } from '../../src/invite/sealed-invite.ts';
import { maxPreviewItems, maxPreviewPageBytes } from '../../src/preview/index.ts';
import { maxOpeningBytes } from '../../src/preview/preview-codec.ts';
import { maxChallengeMs, maxServerSkewMs } from '../../src/read/index.ts';
import { scheduleLabels } from '../../src/schedule/labels.ts';
import { maxForwardJump, maxSkippedPerLeaf } from '../../src/schedule/secret-tree.ts';
import * as sealing from '../../src/sealing/parameters.ts';
import { signaturePurposes } from '../../src/signature/schnorr.ts';
import { maxDeviceLeaves, maxPendingMs } from '../../src/tree/operation-authority.ts';
import { maxRecipients } from '../../src/tree/plan-commit.ts';
import { maxRequiredRemovals } from '../../src/tree/required-removals.ts';
import * as limits from '../../src/wire/limits.ts';

const page = readFileSync(new URL('../../../../docs/sealed-groups.md', import.meta.url), 'utf8').replaceAll(
  /\s+/g,
  ' ',
);
const number = (value: number): string => value.toLocaleString('en-US');

it.each(Object.values(scheduleLabels))('names the label %s', (label) => {
  expect(page).toContain(label);
});

it.each(signaturePurposes)('names the purpose %s', (purpose) => {
  expect(page).toContain(`\`${purpose}\``);
});

it.each([
  `repetitions | ${sealing.repetitions}`,
  `nodes in a block, digits N in it | ${sealing.blockNodes}, 1,024`,
  `S = N·(2^16 − 1) | ${number(sealing.responseMin)}`,
  `Z = 256·S | ${number(sealing.responseEnd)}`,
  `Z − S | ${number(sealing.digitBound)}`,
  `bytes of a response z | ${sealing.responseBytes}, little-endian`,
  `sealed nodes in a frame | at most ${number(sealing.maxSealedNodes)}`,
  `recipients in a commit | at most ${number(maxRecipients)}`,
  `takes ${limits.recipientBytes} bytes of a frame`,
  `frame ${limits.maxFrameBytes / 2 ** 20} MiB`,
  `${number(limits.maxAdds)} adds`,
  `${number(limits.maxOperations)} operations`,
  `leaf indices below 2^${Math.log2(limits.maxLeafCount)}`,
  `1 to ${limits.maxOriginBytes} printable ASCII`,
  `keys ${limits.keyBytes}, group id and nonce ${limits.nonceBytes}, signatures ${limits.signatureBytes}`,
  `\`confirm\` ${limits.confirmBytes}, masked header ${limits.maskedHeaderBytes}`,
  `each handle row ${limits.digitVectorBytes}`,
  `within ${maxClockSkewMs / 60_000} minutes of the DS's clock`,
  `for ${graceMs / 1_000} s after it accepted`,
  `last ${maxEpochKeys} epochs since the last removal`,
  `waits ${firstWaitMs / 1_000} s, then 2, 4, … ${maxWaitMs / 1_000} s`,
  `reserved** for ${reservationMs / 1_000} s`,
  `first ${maxRequiredRemovals} by index`,
  `now + ${maxPendingMs / 86_400_000} days`,
  `at most ${maxDeviceLeaves} live devices`,
  `${number(maxForwardJump)} generations ahead, at most ${number(maxSkippedPerLeaf)} skipped secrets`,
  `(at most ${maxOthers}) repeats`,
  `at most ${maxNameBytes} bytes of UTF-8`,
  `Descriptions: ${number(maxDescriptionBytes)} bytes`,
  `the secret being ${linkSecretBytes} random bytes`,
  `MAC(32) ${maxChallengeMs / 1_000} s`,
  `up to ${maxServerSkewMs / 1_000} s later`,
  `at most ${maxPreviewItems} frames`,
  `ends before ${maxPreviewPageBytes / 1024} KiB`,
  `at most ${maxOpeningBytes / 1024} KiB`,
])('says “%s”', (sentence) => {
  expect(page).toContain(sentence);
});
