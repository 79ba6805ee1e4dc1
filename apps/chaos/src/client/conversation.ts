/**
 * What the load needs of a conversation, whatever kind it is. Sealed groups are the only kind that the product has; rooms
 * join by a second implementation of this interface.
 */
export interface Heard {
  readonly seq: number;
  /** The server's name of it: the same for every member, and what the log shows. */
  readonly id: string;
  readonly text: string;
  /** Fetches what is attached, whole. */
  readonly download: (() => Promise<Uint8Array>) | undefined;
}

export interface Accepted {
  readonly seq: number;
  readonly id: string;
}

export interface Conversation {
  readonly group: string;
  /** Resolves when the server has it. Rejects when it will never be sent. */
  say(text: string): Promise<Accepted>;
  /** Uploads `content`, then says `text` with it. Rejects with `ABORTED` when the caller stopped waiting. */
  attach(content: Uint8Array, text: string, signal: AbortSignal): Promise<Accepted>;
}
