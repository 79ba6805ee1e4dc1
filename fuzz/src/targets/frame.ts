import { isCommitFrame, isCreateFrame, isMessageFrame } from '@conclave/sealed-group';
import type { ParsedFrame } from '@conclave/sealed-group';
import { compareParsers } from '../../../packages/sealed-group/test/wire/compare-parsers.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { makeSampleGroup } from '../seeds/sample-group.ts';

export const target: FuzzTarget = {
  about:
    'parseFrame: what anybody posts to the server, and what the server shows to clients; against a decoder by the schema',
  format: 'protobuf',
  maxBytes: 64 * 1024,
  runs: 24_000,
  prepare() {
    const plain = makeSampleGroup();
    const withLeafProofs = makeSampleGroup({ leafProof: true });
    const seeds = [plain, withLeafProofs].flatMap(({ frames, nextFrames }) => [...frames, ...nextFrames]);
    return {
      seeds,
      check(bytes) {
        const { parsed, disagreement } = compareParsers(bytes);
        demand(disagreement === undefined, `both parsers say the same of a frame: ${disagreement}`);
        if (!parsed.ok) return;
        demandLengths(parsed.value);
      },
    };
  },
};

/** The lengths of §5, said a second time: code behind the parser relies on them. */
function demandLengths(frame: ParsedFrame): void {
  const keys: Uint8Array[] = [];
  const signatures: Uint8Array[] = [];
  const vectors: Uint8Array[] = [];
  if (isCreateFrame(frame)) {
    keys.push(frame.content.leafKey, frame.trail.confirm);
    signatures.push(frame.trail.possession);
  } else if (isCommitFrame(frame)) {
    const { operations, sealed, leafKey } = frame.content;
    const { confirm, oldSignature, newSignature, possessions } = frame.trail;
    keys.push(leafKey, confirm, ...sealed.map(({ key }) => key));
    vectors.push(...sealed.flatMap(({ commitments, handles }) => [commitments, ...handles]));
    signatures.push(oldSignature, newSignature, ...possessions);
    for (const operation of operations) {
      if (operation.kind === 'add') keys.push(operation.leafKey);
      if (operation.kind === 'remove' && operation.leaveSignature) signatures.push(operation.leaveSignature);
    }
    const adds = operations.filter(({ kind }) => kind === 'add').length;
    demand(possessions.length === adds, 'every added leaf proves its possession');
  } else if (isMessageFrame(frame)) {
    demand(frame.content.header.length === 8, 'a masked header has 8 octets');
    signatures.push(frame.trail.signature);
  } else signatures.push(frame.trail.signature);
  demand(frame.header.groupId.length === 16 && frame.header.nonce.length === 16, 'ids have 16 octets');
  demand(
    keys.every(({ length }) => length === 32),
    'keys and tags have 32 octets',
  );
  demand(
    signatures.every(({ length }) => length === 64),
    'signatures have 64 octets',
  );
  demand(
    vectors.every(({ length }) => length === 512),
    'sixteen points have 512 octets',
  );
  demand(
    Number.isSafeInteger(frame.header.epoch) && Number.isSafeInteger(frame.header.nowMs),
    'numbers are safe',
  );
}
