import { outboxRelayContract } from '@conclave/testkit/contracts';
import { createSqliteDatabase } from './sqlite-database.ts';

outboxRelayContract('SQLite', createSqliteDatabase);
