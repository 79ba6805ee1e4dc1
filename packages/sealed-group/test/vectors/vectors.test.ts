/** The code gives the known answers of these files, takes them, and refuses what they say is refused. */
import { describe, expect, it } from 'vitest';
import { checkIdentityVectors } from './identity-vectors.ts';
import type { IdentityVectors } from './identity-vectors.ts';
import { checkPreviewVectors } from './preview-vectors.ts';
import type { PreviewVectors } from './preview-vectors.ts';
import { checkReadingVectors } from './reading-vectors.ts';
import type { ReadingVectors } from './reading-vectors.ts';
import { computeByFile, readVectors } from './write-vectors.ts';

describe('the known answers', () => {
  it.each(Object.entries(computeByFile))('of vectors/%s are what this code computes', (file, compute) => {
    expect(compute()).toEqual(readVectors(file));
  });

  it('are taken, and what they say is refused is refused by its rule', () => {
    expect(() => checkIdentityVectors(readVectors('identity.json') as IdentityVectors)).not.toThrow();
    expect(() => checkReadingVectors(readVectors('reading.json') as ReadingVectors)).not.toThrow();
    expect(() => checkPreviewVectors(readVectors('preview.json') as PreviewVectors)).not.toThrow();
  });
});
