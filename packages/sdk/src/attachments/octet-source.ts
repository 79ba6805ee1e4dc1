/** What an application can attach, brought to one form: a size, and bytes that can be read more than once. */

/** A stream is read once into a Blob first, because the upload proof needs size and hash beforehand. */
export type AttachmentSource = Uint8Array | Blob | ReadableStream<Uint8Array>;

export async function toBlob(source: AttachmentSource): Promise<Blob> {
  if (source instanceof Blob) return source;
  if (source instanceof Uint8Array) return new Blob([source.slice()]);
  return await new Response(source as ReadableStream<Uint8Array<ArrayBuffer>>).blob();
}

export async function* readBlob(blob: Blob): AsyncGenerator<Uint8Array> {
  yield* readStream(blob.stream());
}

/** Every engine has readers; not all iterate streams. Leaving the loop early cancels the stream. */
export async function* readStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => undefined);
  }
}

/** A stream that pulls from a generator; cancelling the stream ends the generator. */
export function toStream(parts: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await parts.return(undefined);
    },
  });
}
