/**
 * The process's logger: one JSON object per line, by pino. Made once by the composition root.
 *
 * Two rules keep secrets out of it: fields whose name says that they hold one are replaced (redact-fields.ts), and
 * errors are written by a closed list of properties (serialize-error.ts). Messages are constants.
 *
 * A line that is written on behalf of a request or a run of a job says which (../tracing/work.ts): `requestId`, `jobId`, and
 * `traceId` if it is traced.
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import { currentWork } from '../tracing/work.ts';
import { BOUND_SECRETS, CENSOR, redactFields } from './redact-fields.ts';
import { serializeError } from './serialize-error.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface CreateLogOptions {
  readonly level: LogLevel;
  /** Of the program. */
  readonly name?: string;
  /** Which of the installation's processes this is: the field `process` of every line. */
  readonly processId?: string;
  /** Default: standard output, written synchronously, so that nothing is lost when the process dies. */
  readonly destination?: DestinationStream;
}

export function createLog({ level, name, processId, destination }: CreateLogOptions): Logger {
  return pino(
    {
      level,
      // Neither pid nor host name: the service manager knows them, and a log that is shown around should not.
      base: { ...(name !== undefined && { name }), ...(processId !== undefined && { process: processId }) },
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: fieldsOfWork,
      formatters: { level: (label) => ({ level: label }), log: redactFields },
      // What the formatter has seen is serialised already and needs no redaction; these two are for what child
      // loggers are bound to, which it does not see.
      serializers: { err: (err: unknown) => (err instanceof Error ? serializeError(err) : err) },
      redact: { paths: [...BOUND_SECRETS], censor: CENSOR },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}

/** What the line says itself goes before it. */
function fieldsOfWork(): Record<string, string> {
  const work = currentWork();
  const fields: Record<string, string> = {};
  if (work?.requestId !== undefined) fields['requestId'] = work.requestId;
  if (work?.jobId !== undefined) fields['jobId'] = work.jobId;
  if (work?.span !== undefined) fields['traceId'] = work.span.traceId;
  return fields;
}
