/**
 * What the packages need of a logger: structured fields first, then a constant message. A pino logger is one.
 * Put variable data into the fields, never into the message: redaction works on fields.
 */
export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Says nothing: the default of libraries, for tests and tools. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
