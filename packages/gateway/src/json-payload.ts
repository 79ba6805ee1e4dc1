/**
 * A JSON document that is passed on, not looked into: the data of a publication or the info of a client.
 *
 * It is kept as text. The hot path (wire/json-codec.ts) copies the text into the frame; everything else goes
 * through `toJSON`, which costs a parse and is used for rare replies only.
 */
export class JsonPayload {
  readonly text: string;
  /** Bytes of the text in UTF-8. */
  readonly byteLength: number;

  private constructor(text: string) {
    this.text = text;
    this.byteLength = Buffer.byteLength(text);
  }

  /** `value` must be representable in JSON; `undefined` for functions, symbols, cycles and big integers. */
  static fromValue(value: unknown): JsonPayload | undefined {
    try {
      const text: unknown = JSON.stringify(value);
      return typeof text === 'string' ? new JsonPayload(text) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Normalizes the text: no newline is left outside of strings, so it fits into one line of a stream. */
  static fromText(text: string): JsonPayload | undefined {
    try {
      return JsonPayload.fromValue(JSON.parse(text));
    } catch {
      return undefined;
    }
  }

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}
