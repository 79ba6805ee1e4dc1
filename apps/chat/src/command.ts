/** A command of the chat, as `/help`, completion and the dispatcher see it. */
import type { Chat } from './chat.ts';

export interface Command {
  readonly name: string;
  /** What follows the name: `NAME ROLE`, `[N]`. */
  readonly parameters: string;
  readonly summary: string;
  /** What completion offers for the first word. */
  readonly completes?: 'member' | 'group' | 'role' | 'switch' | 'path';
  /** `argument` is what follows the name, trimmed. `signal` fires on Ctrl-C. */
  run(chat: Chat, argument: string, signal: AbortSignal): Promise<void>;
}
