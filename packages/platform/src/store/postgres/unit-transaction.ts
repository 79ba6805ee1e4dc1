import { PostgresAdapter, PostgresQueryCompiler } from 'kysely';
import { unitTransactionOf } from '../unit-transaction.ts';
import type { UnitConnection } from './unit-connection.ts';

export const UnitTransaction = unitTransactionOf<UnitConnection>(
  new PostgresAdapter(),
  new PostgresQueryCompiler(),
);
