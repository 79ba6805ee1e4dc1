/**
 * Does the time of an operation depend on its secrets? `node packages/ristretto/bench/constant-time.ts [samples]` (after
 * `scripts/build-kernel.sh`); `packages/sealed-group/bench/constant-time.ts` asks the same of signing and opening.
 *
 * The positive controls have to be detected, or the script fails: a measurement that finds nothing there says nothing elsewhere.
 */
import { createNodeEngine } from '../node/read-kernel.ts';
import { secretOperations } from './secret-operations.ts';
import { reportClasses } from './timing-classes.ts';

const samples = Number(process.argv[2] ?? 20_000);
process.exitCode = reportClasses(secretOperations(createNodeEngine().group), samples) ? 0 : 1;
