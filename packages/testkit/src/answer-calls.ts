/** The child's side of calls between processes: who sends `{ id, name, argument }` gets `{ id, value }` or `{ id, error }`. */

interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument?: unknown;
}

/** Answers its parent's calls with the functions of these names, and ends with its parent. */
export function answerCalls(calls: object): void {
  process.on('message', (call: Call) => {
    void answer(calls as Record<string, (argument: unknown) => Promise<unknown>>, call);
  });
  process.on('disconnect', () => process.exit(0));
}

async function answer(
  calls: Record<string, (argument: unknown) => Promise<unknown>>,
  { id, name, argument }: Call,
): Promise<void> {
  try {
    const value = await calls[name]!(argument);
    process.send?.({ id, value });
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    process.send?.({ id, error: code === undefined ? message : `${message} (${code})` });
  }
}
