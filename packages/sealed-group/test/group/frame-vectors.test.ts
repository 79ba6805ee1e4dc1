import { readFileSync } from 'node:fs';
import { hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, test } from 'vitest';
import { decodeInvite, SealedGroup, verifyInvite } from '../../src/index.ts';
import { DeliveryService } from './delivery-service.ts';
import type { FrameVectors } from './frame-vectors.ts';
import { makeFrameVectors, vectorFile } from './frame-vectors.ts';
import { person, seededRandom, suite, valueOf } from './people.ts';

const vectors = JSON.parse(readFileSync(vectorFile, 'utf8')) as FrameVectors;

describe('the known frames', () => {
  test('are made again from the same randomness', () => {
    expect(makeFrameVectors()).toEqual(vectors);
  });

  test('are accepted by a delivery service, which comes to the same transcripts', () => {
    const ds = new DeliveryService({ suite, random: seededRandom('verifier'), nowMs: vectors.nowMs });
    for (const { frame, transcript, confirmedTranscript } of [vectors.create, vectors.commit]) {
      valueOf(ds.post(hexToBytes(frame)));
      expect(ds.group.transcript).toEqual(hexToBytes(transcript));
      expect(ds.group.confirmedTranscript).toEqual(hexToBytes(confirmedTranscript));
    }
    expect(ds.group.tree.treeHash()).toEqual(hexToBytes(vectors.commit.treeHash));
    valueOf(ds.post(hexToBytes(vectors.message.frame)));
  });

  test('let the holder of the invite in', () => {
    const { commit, nowMs } = vectors;
    const invite = valueOf(verifyInvite(suite, valueOf(decodeInvite(hexToBytes(commit.invite))), { nowMs }));
    const joined = SealedGroup.join(person('newcomer'), {
      invite,
      tree: hexToBytes(commit.tree),
      commit: hexToBytes(commit.frame),
      commitSeq: 2,
      snapshot: undefined,
    });
    expect(valueOf(joined).group.me).toEqual({ leaf: commit.addedLeaf, epoch: 1 });
  });
});
