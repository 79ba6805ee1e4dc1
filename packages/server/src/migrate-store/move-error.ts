/** The stable codes of {@link MoveError}. */
export type MoveErrorCode =
  /** The source is no SQLite installation, was moved already, or its server does not answer. */
  | 'MOVE_SOURCE'
  /** The target database holds something that this move did not put there. */
  | 'MOVE_TARGET_NOT_EMPTY'
  /** Another `migrate-store` works on the target. */
  | 'MOVE_RUNNING'
  /** The connection to the target broke. */
  | 'MOVE_TARGET_LOST'
  /** The two schemas are not the same: another version of the program, or tables of somebody else. */
  | 'MOVE_SCHEMA'
  /** A value of the source cannot be kept in the target. */
  | 'MOVE_VALUE'
  /** What was read back is not what the source has. */
  | 'MOVE_DIFFERS'
  /** The server wrote, or took too long, while it should have stood still. */
  | 'MOVE_NOT_STILL';

/** Why a move ended; the source goes on as before, and the move can be run again. */
export class MoveError extends Error {
  override readonly name = 'MoveError';
  readonly code: MoveErrorCode;

  constructor(code: MoveErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
