import { equalBytes } from '@noble/ciphers/utils.js';
import { decodePreviewPage, encodePreviewPage, Preview } from '@conclave/sealed-group';
import {
  decodeOpening,
  decodePreviewStart,
  encodeOpening,
  encodePreviewStart,
} from '../../../packages/sealed-group/src/preview/preview-codec.ts';
import { Client, person, service } from '../../../packages/sealed-group/test/group/people.ts';
import { openingFor, openInvite, startFor } from '../../../packages/sealed-group/test/preview/served.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { suite, valueOf } from '../seeds/sample-group.ts';

/** A newcomer's way through what the server serves: every input is tried as a start, an opening and a page. */
export const target: FuzzTarget = {
  about: 'starts, openings and pages of a preview, which the server makes for a newcomer',
  format: 'protobuf',
  maxBytes: 16 * 1024,
  runs: 4_000,
  prepare() {
    const ds = service();
    const alice = Client.create(person('alice', 'fuzz preview'), ds);
    const [bobs] = alice.add({}, {});
    const bob = Client.join(person('bob', 'fuzz preview'), ds, alice.invite(bobs!));
    alice.sync();
    const [leaf] = alice.add({});
    bob.sync();
    const invite = openInvite(ds, alice.invite(leaf!));
    valueOf(bob.commit());
    alice.sync();
    valueOf(alice.say('hello'));
    const start = startFor(ds, invite);
    const opening = openingFor(ds, invite.leaf, invite.epoch + 1)!;
    const { wholeTrailerHash } = valueOf(decodeOpening(opening));
    const message = ds.log.at(-1)!.bytes;
    const page = encodePreviewPage({
      start,
      items: [
        { seq: 5, kind: 'opening', bytes: opening },
        { seq: 6, kind: 'message', bytes: message },
      ],
      readTo: 6,
      lastSeq: 9,
    });
    return {
      seeds: [start, opening, page, message],
      check(bytes) {
        const asStart = decodePreviewStart(bytes);
        if (asStart.ok)
          demand(equalBytes(encodePreviewStart(asStart.value), bytes), 'a start has one encoding');
        const asOpening = decodeOpening(bytes);
        if (asOpening.ok)
          demand(equalBytes(encodeOpening(asOpening.value), bytes), 'an opening has one encoding');
        const asPage = decodePreviewPage(bytes);
        if (asPage.ok) demand(equalBytes(encodePreviewPage(asPage.value), bytes), 'a page has one encoding');

        if (asStart.ok) Preview.open(suite, invite, bytes);
        if (!asOpening.ok) return;
        const preview = valueOf(Preview.open(suite, invite, start));
        const advanced = preview.advance(bytes);
        if (advanced.ok) {
          // What the commit's whole trailer hashes to counts for the epoch after, whose opening confirms it.
          const sameButForIt = encodeOpening({ ...asOpening.value, wholeTrailerHash });
          demand(equalBytes(sameButForIt, opening), 'no epoch opens that no member made');
        }
        demand(advanced.ok || preview.epoch === undefined, 'an opening that fails ends the preview');
        preview.close();
      },
    };
  },
};
