import { schemaUpgradeContract } from '@conclave/testkit/contracts';
import { createSqliteDatabase } from './sqlite-database.ts';

schemaUpgradeContract('SQLite', createSqliteDatabase);
