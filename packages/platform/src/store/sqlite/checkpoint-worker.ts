/**
 * Worker thread: copies the write-ahead log into the database, beside the connection that goes on writing. A passive checkpoint waits
 * for nobody and stops nobody; what is committed meanwhile remains, and is copied in the next round.
 */
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { REST_PAGES, type CheckpointRequest, type CheckpointResult } from './checkpointer.ts';

/** Each copies what was written during the one before: they become short, or the disk is slower than the writer. */
const maxRounds = 3;

const port = parentPort!;
const database = new Database(workerData as string, { fileMustExist: true });
database.pragma('synchronous = FULL');

port.on('message', (request: CheckpointRequest) => {
  if (request === 'checkpoint') port.postMessage(checkpoint());
  else {
    database.close();
    port.close();
  }
});

function checkpoint(): CheckpointResult {
  let result: CheckpointResult = { log: 0, copied: 0 };
  for (let round = 0; round < maxRounds; round += 1) {
    result = runCheckpoint(database);
    if (result.log - result.copied <= REST_PAGES) break;
  }
  return result;
}

/** Throws what the engine says: the thread dies of it, and is started anew. */
function runCheckpoint(connection: Database.Database): CheckpointResult {
  const [row] = connection.pragma('wal_checkpoint(PASSIVE)') as [{ log: number; checkpointed: number }];
  return { log: row.log, copied: row.checkpointed };
}
