/** The `code` of what a promise rejects with, its text if it has none, or `resolved`: for one-line expectations. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'resolved';
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
    return String(error);
  }
}
