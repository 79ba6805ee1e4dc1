import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorSections } from './error-registry.ts';
import { renderErrorTable } from './render-error-table.ts';

it('is docs/errors.md', () => {
  const committed = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');
  expect(committed).toBe(renderErrorTable());
});

it('declares each code once', () => {
  const codes = errorSections.flatMap((section) => Object.keys(section.codes));
  expect(new Set(codes).size).toBe(codes.length);
});
