import { storeContract } from '@conclave/testkit/contracts';
import { createSqliteDatabase } from './sqlite-database.ts';

storeContract('SQLite', createSqliteDatabase);
