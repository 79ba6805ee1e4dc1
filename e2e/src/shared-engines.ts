/** The engines that several processes of one installation share, and the flags by which a process finds them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats, startPostgres, startS3 } from '@conclave/testkit/servers';

export interface SharedEngines {
  /** For configurations and what else a test writes. */
  readonly folder: string;
  /** For all processes: the secrets in it are the installation's. */
  readonly dataDirectory: string;
  readonly flags: Readonly<Record<string, string>>;
  /** SIGSTOP to PostgreSQL and NATS: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
}

/** PostgreSQL, NATS and S3, which end with `stack`. */
export async function startSharedEngines(stack: AsyncDisposableStack): Promise<SharedEngines> {
  const folder = await mkdtemp(join(tmpdir(), 'conclave-engines-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const postgres = stack.use(await startPostgres());
  const nats = stack.use(await startNats());
  const s3 = stack.use(await startS3());
  return {
    folder,
    dataDirectory: join(folder, 'data'),
    flags: {
      'store.engine': 'postgres',
      'store.url': postgres.url,
      'store.passwordFile': postgres.passwordFile,
      'bus.engine': 'nats',
      'bus.url': nats.url,
      'bus.passwordFile': nats.passwordFile,
      'blobs.engine': 's3',
      'blobs.endpoint': s3.endpoint,
      'blobs.bucket': s3.bucket,
      'blobs.accessKeyId': s3.accessKeyId,
      'blobs.secretAccessKeyFile': s3.secretAccessKeyFile,
      'accounts.registration': 'open',
    },
    pause() {
      for (const engine of [postgres, nats]) engine.pause();
    },
    resume() {
      for (const engine of [postgres, nats]) engine.resume();
    },
  };
}
