/** For tests, demonstrations and measurements: real servers as processes. The contract suites are at `./contracts`. */
export { startServerProcess } from './server-process.ts';
export type { ServerProcess, ServerProcessOptions } from './server-process.ts';
