import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findRuleUses, renderRules, rulesPage } from '../../scripts/render-rules.ts';

const uses = findRuleUses();

test('the table of rules is what the code says: run scripts/generate-rules.ts if it is not', () => {
  expect(readFileSync(rulesPage, 'utf8')).toBe(renderRules(uses));
});

test('every rule is checked somewhere in the code', () => {
  expect(uses.filter(({ code }) => code.length === 0).map(({ id }) => id)).toEqual([]);
});

test('every rule is broken by a test', () => {
  expect(uses.filter(({ tests }) => tests.length === 0).map(({ id }) => id)).toEqual([]);
});
