/** Asking which of several was meant; on a pipe nobody can be asked, so it is an error that lists them. */
import { ChatError, type ChatErrorCode } from './chat-error.ts';
import type { Terminal } from './terminal.ts';

export interface Choice<T> {
  readonly candidates: readonly T[];
  readonly describe: (candidate: T) => string;
  readonly question: string;
  readonly none: { readonly code: ChatErrorCode; readonly message: string };
}

export async function choose<T>(terminal: Terminal, choice: Choice<T>): Promise<T> {
  const { candidates, describe, question, none } = choice;
  const [first] = candidates;
  if (first === undefined) throw new ChatError(none.code, none.message);
  if (candidates.length === 1) return first;
  const described = candidates.map(describe);
  if (!terminal.interactive)
    throw new ChatError('CHAT_AMBIGUOUS', `${question} It may be: ${described.join('; ')}`);
  terminal.print([question, ...described.map((text, index) => `  ${index + 1}  ${text}`)].join('\n'));
  const answer = await terminal.ask(`1–${candidates.length}: `);
  const chosen = candidates[Number(answer) - 1];
  if (answer === undefined || chosen === undefined)
    throw new ChatError('CHAT_AMBIGUOUS', 'Nothing was chosen, nothing was done');
  return chosen;
}
