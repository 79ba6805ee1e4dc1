/**
 * The process's logger: one JSON object per line, by pino. Made once by the composition root.
 *
 * Two rules keep secrets out of it: fields whose name says that they hold one are replaced (redact-fields.ts), and
 * errors are written by a closed list of properties (serialize-error.ts). Messages are constants.
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import { BOUND_SECRETS, CENSOR, redactFields } from './redact-fields.ts';
import { serializeError } from './serialize-error.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * @param options.destination default: standard output, written synchronously, so that nothing is lost when the
 *   process dies.
 */
export function createLog(options: {
  level: LogLevel;
  name?: string;
  destination?: DestinationStream;
}): Logger {
  return pino(
    {
      level: options.level,
      // Neither pid nor host name: the service manager knows them, and a log that is shown around should not.
      base: options.name === undefined ? {} : { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redactFields },
      // What the formatter has seen is serialised already and needs no redaction; these two are for what child
      // loggers are bound to, which it does not see.
      serializers: { err: (err: unknown) => (err instanceof Error ? serializeError(err) : err) },
      redact: { paths: [...BOUND_SECRETS], censor: CENSOR },
    },
    options.destination ?? pino.destination({ dest: 1, sync: true }),
  );
}
