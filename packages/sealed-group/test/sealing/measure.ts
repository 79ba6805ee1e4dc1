/**
 * Processor time of sealing (user and system; medians), beside one Ed25519 verification by node:crypto:
 * `node packages/sealed-group/test/sealing/measure.ts`
 */
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { verifySealing } from '../../src/sealing/equations.ts';
import { openSealed } from '../../src/sealing/open.ts';
import { proveSealing } from '../../src/sealing/prove.ts';
import { sealSecrets } from '../../src/sealing/seal.ts';
import { bodyHash, claimOf, context, hedgeOf, seededRandom, suite, targetsOf } from './fixture.ts';

function medianMs(runs: number, task: (run: number) => unknown): number {
  for (let warmUp = 0; warmUp < 3; warmUp++) task(warmUp);
  const times = Array.from({ length: runs }, (_, run) => {
    const start = process.cpuUsage();
    task(run);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return times.sort((a, b) => a - b)[runs >> 1]!;
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const message = Buffer.alloc(32);
const signature = sign(null, message, privateKey);
const unitMs = medianMs(2000, () => verify(null, message, publicKey, signature));

function report(name: string, ms: number): void {
  process.stdout.write(
    `${name.padEnd(34)} ${ms.toFixed(2).padStart(9)} ms ${Math.round(ms / unitMs)} units\n`,
  );
}

report('Ed25519 verify (the unit)', unitMs);
for (const nodes of [1, 10]) {
  const counts = Array.from({ length: nodes }, () => 2);
  const { targets, recipients } = targetsOf('measure', counts);
  const hedge = hedgeOf('measure seal');
  const { sealed, openings } = sealSecrets(suite, { targets, hedge });
  const prove = (run: number) =>
    proveSealing(suite, { context, bodyHash, targets, sealed, openings, hedge: hedgeOf(`measure ${run}`) });
  const proof = prove(0);
  const claim = claimOf({ targets, sealed });
  const random = seededRandom('measure');
  const { secret } = recipients[0]![0]!;
  const name = `${nodes} nodes, 2 recipients:`;
  report(
    `${name} seal`,
    medianMs(9, () => sealSecrets(suite, { targets, hedge })),
  );
  report(`${name} prove`, medianMs(31, prove));
  report(
    `${name} verify`,
    medianMs(15, () => verifySealing(suite, { ...claim, proof, random })),
  );
  report(
    `${name} open`,
    medianMs(15, () => openSealed(suite, { sealed: sealed[0]!, recipient: 0, secret })),
  );
  process.stdout.write(`${name} proof of ${proof.length} bytes\n`);
}
