import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { isUniqueViolation } from '../constraint.ts';
import {
  endsConnection,
  isConflict,
  isStalePlan,
  postgresStoreError,
  sqlState,
  unavailable,
} from './postgres-error.ts';

/** As the driver makes it of what the database reports. */
function reported(code: string, routine?: string): Error {
  const error = new pg.DatabaseError('as reported', 0, 'error');
  return Object.assign(error, { code, severity: 'ERROR', routine });
}

/** As Node makes it of what the system reports. */
function ofSystem(code: string): Error {
  return Object.assign(new Error('as reported'), { code, syscall: 'write' });
}

describe('an error of PostgreSQL', () => {
  test('is told from one of the system by more than the length of its code', () => {
    expect(sqlState(reported('40001'))).toBe('40001');
    for (const error of [
      ofSystem('EPIPE'),
      new Error('40001'),
      undefined,
      { code: '40001', severity: 'ERROR' },
    ]) {
      expect(sqlState(error)).toBeUndefined();
    }
  });

  test.each([
    ['40001', true],
    ['40P01', true],
    ['23505', false],
    ['55P03', false],
  ])('%s is a lost race: %s', (code, expected) => {
    expect(isConflict(reported(code))).toBe(expected);
  });

  test.each([
    ['57P01', true],
    ['57P03', true],
    ['08006', true],
    ['25P03', true],
    ['53300', true],
    ['57014', false],
    ['40001', false],
  ])('%s ends the connection: %s', (code, expected) => {
    expect(endsConnection(reported(code))).toBe(expected);
  });

  test.each([
    ['53100', 'STORE_FULL'],
    ['53200', 'STORE_UNAVAILABLE'],
    ['57014', 'STORE_UNAVAILABLE'],
    ['57P01', 'STORE_UNAVAILABLE'],
    ['58030', 'STORE_UNAVAILABLE'],
    ['XX001', 'STORE_UNAVAILABLE'],
    ['23505', undefined],
    ['22021', undefined],
    ['42P01', undefined],
  ])('%s is %s to callers', (code, expected) => {
    const error = reported(code);
    expect(postgresStoreError(error)?.code).toBe(expected);
    expect(postgresStoreError(error)?.cause).toBe(expected && error);
  });

  test('is a unique violation by its code', () => {
    expect(isUniqueViolation(reported('23505'))).toBe(true);
    expect(isUniqueViolation(reported('23503'))).toBe(false);
  });

  test('is a plan that no longer fits only where PostgreSQL looked at one', () => {
    expect(isStalePlan(reported('0A000', 'RevalidateCachedQuery'))).toBe(true);
    expect(isStalePlan(reported('0A000', 'ExecCreatePlainTable'))).toBe(false);
  });

  test.each([
    [ofSystem('ECONNREFUSED'), 'the database cannot be reached: ECONNREFUSED'],
    [reported('28P01'), 'the database refuses us: 28P01'],
    [reported('3D000'), 'the database refuses us: 3D000'],
    [reported('57P03'), 'the database cannot be used (57P03)'],
    [new Error('as reported'), 'the database cannot be reached'],
  ])('%s keeps connections from being made, and is named', (cause, message) => {
    expect(unavailable(cause)).toMatchObject({ code: 'STORE_UNAVAILABLE', message, cause });
  });
});
