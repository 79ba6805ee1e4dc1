/**
 * What `up`, `status` and `down` know of each other: a file in the cluster's folder, written by the supervisor, as a whole
 * or not at all, and removed by it when everything has stopped.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isStillRunning } from './process-identity.ts';

const partSchema = z.strictObject({
  name: z.string(),
  pid: z.int(),
  url: z.string(),
  /** What `status` asks (probe.ts). */
  probeUrl: z.string(),
  restarts: z.int(),
});

const stateSchema = z.strictObject({
  version: z.literal(2),
  supervisor: z.strictObject({ pid: z.int(), start: z.string() }),
  phase: z.enum(['starting', 'running', 'stopping']),
  gateway: z.enum(['embedded', 'centrifugo']),
  /** Server processes first; their URL is that of the operator listener. Then engines and the load balancer. */
  parts: z.array(partSchema),
  accessPoints: z.array(z.strictObject({ service: z.string(), url: z.string(), purpose: z.string() })),
  /** A secret, which is why others cannot read this file. */
  firstAccountToken: z.string().nullable(),
});

export type ClusterState = z.output<typeof stateSchema>;
export type ClusterPart = z.output<typeof partSchema>;

export class ClusterStateError extends Error {
  override readonly name = 'ClusterStateError';
  readonly code = 'CONCLAVE_CLUSTER_STATE';
}

const fileOf = (folder: string): string => join(folder, 'cluster.json');

/** Undefined when the folder holds no running cluster. A file that a killed supervisor left behind counts as none. */
export async function readState(folder: string): Promise<ClusterState | undefined> {
  let text: string;
  try {
    text = await readFile(fileOf(folder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = stateSchema.safeParse(parseJson(text));
  if (!parsed.success)
    throw new ClusterStateError(`${fileOf(folder)} is damaged: see what runs, and remove it`);
  return isStillRunning(parsed.data.supervisor) ? parsed.data : undefined;
}

export async function writeState(folder: string, state: ClusterState): Promise<void> {
  const draft = `${fileOf(folder)}.new`;
  await writeFile(draft, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  await rename(draft, fileOf(folder));
}

export async function removeState(folder: string): Promise<void> {
  await rm(fileOf(folder), { force: true });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // damaged is damaged: the caller reports it
  }
}
