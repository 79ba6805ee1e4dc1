/** What is said: the message's own name, who says it and when, so that every receiver can check it without the sender. */
export interface SaidText {
  readonly uid: string;
  readonly by: string;
  readonly sentAtMs: number;
  /** Of what is attached. */
  readonly sha256?: string;
}

export function formatText(said: SaidText): string {
  return JSON.stringify(said);
}

/** Undefined for anything else: somebody said what no client of this run says. */
export function parseText(text: string): SaidText | undefined {
  try {
    const { uid, by, sentAtMs, sha256 } = JSON.parse(text) as Partial<SaidText>;
    if (typeof uid !== 'string' || typeof by !== 'string' || typeof sentAtMs !== 'number') return undefined;
    return { uid, by, sentAtMs, ...(typeof sha256 === 'string' && { sha256 }) };
  } catch {
    return undefined;
  }
}
