/**
 * A real S3 server of its own: minio on a port that was free, with keys that nobody knew before and one bucket. The keys reach
 * it in a file.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { missingProgram } from './find-program.ts';
import { onFreePort } from './free-port.ts';
import { startRealServer, type LauncherOptions, type RealServer } from './real-server.ts';
import { createServerFolder } from './server-folder.ts';

/** How to reach it. */
export interface S3Address {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly secretAccessKeyFile: string;
}

export interface S3Server extends RealServer, S3Address {
  /** A new, empty bucket; resolves with its name. */
  createBucket(): Promise<string>;
}

const region = 'us-east-1';
const accessKeyId = 'conclave';

/** Why there is no S3 server to start, or undefined. */
export function missingS3(): string | undefined {
  return missingProgram('minio');
}

export async function startS3(options: LauncherOptions = {}): Promise<S3Server> {
  const { port } = options;
  return port === undefined ? await onFreePort((free) => launch(free, options)) : await launch(port, options);
}

async function launch(port: number, options: LauncherOptions): Promise<S3Server> {
  const folder = await createServerFolder({ name: 's3', folder: options.folder });
  const { value: secretAccessKey, file: secretAccessKeyFile } = await folder.secret('s3-secret-access-key');
  const data = await folder.subfolder('data');
  const endpoint = `http://127.0.0.1:${port}`;
  const bucket = 'conclave';

  const createBucket = async (name: string, signal?: AbortSignal): Promise<void> => {
    const client = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey },
    });
    try {
      await client.send(new CreateBucketCommand({ Bucket: name }), signal && { abortSignal: signal });
    } catch (error) {
      if (!(error instanceof Error && error.name === 'BucketAlreadyOwnedByYou')) throw error;
    } finally {
      client.destroy();
    }
    // Ours keeps a bucket as a folder in our folder; another server at the port is not to be believed.
    await access(join(data, name));
  };

  const configuration = [`MINIO_ROOT_USER=${accessKeyId}`, `MINIO_ROOT_PASSWORD=${secretAccessKey}`];
  const server = await startRealServer({
    name: 's3',
    program: 'minio',
    arguments: ['server', '--quiet', '--address', `127.0.0.1:${port}`, data],
    folder: folder.path,
    environment: {
      MINIO_CONFIG_ENV_FILE: await folder.write('minio.env', `${configuration.join('\n')}\n`),
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
    probe: (signal) => createBucket(bucket, signal),
    dispose: async () => await folder[Symbol.asyncDispose](),
  });
  let buckets = 0;
  return Object.assign(server, {
    endpoint,
    region,
    bucket,
    accessKeyId,
    secretAccessKey,
    secretAccessKeyFile,
    async createBucket() {
      const name = `${bucket}-${(buckets += 1)}`;
      await createBucket(name);
      return name;
    },
  });
}
