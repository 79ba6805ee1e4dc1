/** Moving an installation to another database. Apart from the rest, so that a server with embedded engines does not load the client. */
export { moveStore, type MoveReport, type MoveStep, type MoveStoreDeps } from './move-store.ts';
export { MoveError, type MoveErrorCode } from './move-error.ts';
export type { VerifiedTable } from './verify-move.ts';
