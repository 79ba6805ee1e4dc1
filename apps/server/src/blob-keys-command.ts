/** `conclave admin blob-keys`: the ring of master keys that encrypt blobs at rest. What it makes is never printed. */
import {
  addMasterKey,
  createMasterKeys,
  MasterKeysError,
  promoteMasterKey,
  removeMasterKey,
} from '@conclave/platform/blob-encryption';
import { systemClock, systemRandom } from '@conclave/platform';
import { createOperatorClient, OperatorError, type Config } from '@conclave/server';
import { UsageError } from './usage-error.ts';

/** `create`, `add` and `promote` change the file alone; `status` and `remove` ask the running server what is still in use. */
export async function runBlobKeys(
  config: Config,
  action: string | undefined,
  argument: string | undefined,
): Promise<number> {
  const file = config.blobs.masterKeysFile;
  if (file === null) throw new UsageError('set blobs.masterKeysFile: the file that holds the master keys');
  try {
    switch (action) {
      case undefined:
        throw new UsageError('blob-keys needs create, add, promote, status or remove');
      case 'create':
        return say(
          `made ${await createMasterKeys(file, systemRandom, systemClock.nowMs())} in ${file}`,
          'Keep a copy apart from the blobs and from the database: without it no blob can be read.',
        );
      case 'add': {
        const id = await addMasterKey(file, systemRandom, systemClock.nowMs());
        return say(
          `added ${id}, which wraps nothing yet`,
          'Give all machines the new file, and keep a copy of it. Only then make it the current one:\n' +
            `conclave admin blob-keys promote ${id}`,
        );
      }
      case 'promote':
        if (argument === undefined) throw new UsageError('ID is missing');
        await promoteMasterKey(file, argument, systemRandom);
        return say(
          `${argument} is the current master key now`,
          'Servers notice it by themselves; give other machines the file again. A machine that lacks the key cannot\n' +
            'read new attachments. A job wraps the data keys anew: see `conclave admin blob-keys status`.',
        );
      case 'status':
        return await showStatus(config);
      case 'remove':
        if (argument === undefined) throw new UsageError('ID is missing');
        return await remove(config, file, argument);
      default:
        throw new UsageError(`unknown command: admin blob-keys ${action ?? ''}`);
    }
  } catch (error) {
    // For whoever typed it: a file that exists already, or cannot be read.
    if (error instanceof MasterKeysError) throw new OperatorError(error.message, { cause: error });
    throw error;
  }
}

async function showStatus(config: Config): Promise<number> {
  const { current, keys } = await createOperatorClient(config).blobKeys();
  for (const { id, dataKeys, isInRing } of keys) {
    const notes = [id === current ? 'current' : '', isInRing ? '' : 'MISSING'].filter((note) => note !== '');
    process.stdout.write(`${id}  ${dataKeys} data keys  ${notes.join(' ')}\n`);
  }
  return 0;
}

/** Refused while any row uses it: blobs would be lost. */
async function remove(config: Config, file: string, id: string): Promise<number> {
  const { current, keys } = await createOperatorClient(config).blobKeys();
  const key = keys.find((known) => known.id === id);
  if (key === undefined) throw new OperatorError(`there is no master key ${id}`);
  if (id === current) throw new OperatorError(`${id} is the current master key: promote another one first`);
  if (key.dataKeys > 0)
    throw new OperatorError(`${id} still wraps ${key.dataKeys} data keys: wait for the job`);
  await removeMasterKey(file, id, systemRandom);
  return say(`removed ${id}`);
}

function say(done: string, hint?: string): number {
  process.stdout.write(`${done}\n`);
  if (hint !== undefined) process.stderr.write(`${hint}\n`);
  return 0;
}
