/** Real servers as processes, for tests, `conclave cluster` and measurements. */
export { findProgram, missingProgram } from './find-program.ts';
export { findFreePort, onFreePort } from './free-port.ts';
export { startRealServer } from './real-server.ts';
export type { LauncherOptions, RealServer, RealServerOptions } from './real-server.ts';
export { createServerFolder } from './server-folder.ts';
export type { ServerFolder, ServerFolderOptions } from './server-folder.ts';
export { unprivilegedUser } from './system-user.ts';
export type { SystemUser } from './system-user.ts';
