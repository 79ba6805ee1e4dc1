/**
 * NATS's monitoring for the cluster: JetStream, its stream and consumers over HTTP, on 127.0.0.1 and without a password.
 * `startCluster` has no setting for it, and NATS opens no port for it while it runs: so the line is added to the configuration that
 * was written for this start, and NATS is started once more, before anybody is told that the cluster runs.
 */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '@conclave/testkit/cluster';
import { findFreePort } from '@conclave/testkit/servers';

/** The origin. Its port stays the same over `down` and `up`, as all of `ports.json` do. */
export async function openNatsMonitoring({ folder, engines }: Cluster): Promise<string> {
  const file = join(folder, 'ports.json');
  const ports = JSON.parse(await readFile(file, 'utf8')) as Record<string, number>;
  const port = (ports['nats.monitoring'] ??= await findFreePort());
  await writeFile(file, `${JSON.stringify(ports, undefined, 2)}\n`);
  await appendFile(join(folder, 'nats', 'nats.conf'), `http: "127.0.0.1:${port}"\n`);
  await engines.nats.stop();
  await engines.nats.restart();
  return `http://127.0.0.1:${port}`;
}
