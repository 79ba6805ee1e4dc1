/**
 * Moves encrypted attachments: streams up with progress, streams down, verifies. It knows the server's blob routes and
 * nothing of groups; `group-handle.ts` gives it proofs and tokens.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { ConclaveError, abortedError, throwIfAborted } from '../errors/conclave-error.ts';
import type { HttpClient } from '../http/http-client.ts';
import type { BlobUpload, SealedApi } from '../http/sealed-api.ts';
import type { Attachment } from './attachment.ts';
import { decryptChunks, encryptChunks, encryptedBytes } from './chunked-aead.ts';
import { readBlob, readStream, toStream } from './octet-source.ts';

export interface Progress {
  /** Bytes moved so far, and in all, as they travel (encrypted). */
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface TransferOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BlobClient {
  /** Size and hash of the encrypted form: one pass over the content, nothing is kept. */
  measure(
    content: Blob,
    key: Uint8Array,
    options: TransferOptions,
  ): Promise<{ size: number; sha256: Uint8Array }>;
  upload(
    input: { groupId: Uint8Array; content: Blob; key: Uint8Array; upload: BlobUpload } & TransferOptions,
  ): Promise<void>;
  /** Authenticated content as it arrives; fails with `ATTACHMENT_DAMAGED` at the end if the hash differs. */
  download(
    input: { groupId: Uint8Array; attachment: Attachment; readToken: string } & TransferOptions,
  ): AsyncGenerator<Uint8Array>;
}

export function createBlobClient({
  http,
  api,
}: {
  readonly http: HttpClient;
  readonly api: SealedApi;
}): BlobClient {
  return {
    async measure(content, key, { signal }) {
      const hash = sha256.create();
      for await (const box of encryptChunks(readBlob(content), content.size, key)) {
        throwIfAborted(signal);
        hash.update(box);
      }
      return { size: encryptedBytes(content.size), sha256: hash.digest() };
    },

    async upload({ groupId, content, key, upload, onProgress, signal }) {
      const path = api.blobPath(groupId, upload.blobId);
      const headers = api.blobHeaders(upload);
      const boxes = encryptChunks(readBlob(content), content.size, key);
      if (typeof XMLHttpRequest === 'function') {
        const parts: Uint8Array<ArrayBuffer>[] = [];
        for await (const box of boxes) parts.push(box as Uint8Array<ArrayBuffer>);
        await sendByXhr({ url: http.server + path, headers, body: new Blob(parts), onProgress, signal });
        return;
      }
      await http.open({
        method: 'PUT',
        path,
        headers: { ...headers, 'content-length': String(upload.size) },
        stream: toStream(counted(boxes, upload.size, onProgress)),
        signal,
      });
    },

    async *download({ groupId, attachment, readToken, onProgress, signal }) {
      const path = api.blobPath(groupId, attachment.blobId);
      const response = await http.open({ method: 'GET', path, bearer: readToken, signal });
      if (response.body === null)
        throw new ConclaveError('BAD_RESPONSE', 'The attachment came without a body');
      const hash = sha256.create();
      const boxes = hashed(
        counted(readStream(response.body), encryptedBytes(attachment.size), onProgress),
        (box) => hash.update(box),
      );
      try {
        yield* decryptChunks(boxes, attachment.size, attachment.key);
      } catch (error) {
        if (signal?.aborted === true) throw abortedError(signal);
        if (error instanceof ConclaveError) throw error;
        throw new ConclaveError('NETWORK', 'The connection broke during the download', { cause: error });
      }
      const digest = hash.digest();
      if (!digest.every((byte, index) => byte === attachment.sha256[index])) {
        throw new ConclaveError(
          'ATTACHMENT_DAMAGED',
          'The stored bytes have another hash than the sender said',
        );
      }
    },
  };
}

async function* counted(
  parts: AsyncIterable<Uint8Array>,
  totalBytes: number,
  onProgress: TransferOptions['onProgress'],
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const part of parts) {
    yield part;
    bytes += part.length;
    onProgress?.({ bytes, totalBytes });
  }
}

async function* hashed(
  parts: AsyncIterable<Uint8Array>,
  update: (part: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    update(part);
    yield part;
  }
}

interface XhrUpload extends TransferOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Blob;
}

/** Browsers tell the progress of an upload, and stream it over HTTP/1.1, only for XMLHttpRequest. */
async function sendByXhr({ url, headers, body, onProgress, signal }: XhrUpload): Promise<void> {
  throwIfAborted(signal);
  await new Promise<void>((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.responseType = 'json';
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      onProgress?.({ bytes: loaded, totalBytes: total }),
    );
    request.addEventListener('load', () => {
      if (request.status >= 200 && request.status < 300) return resolve();
      const answer = (request.response ?? {}) as { errcode?: unknown; error?: unknown };
      const code = typeof answer.errcode === 'string' ? answer.errcode : 'BAD_RESPONSE';
      reject(
        new ConclaveError(code, `The upload was refused (${request.status})`, { status: request.status }),
      );
    });
    request.addEventListener('error', () => reject(new ConclaveError('NETWORK', 'The upload broke')));
    request.addEventListener('abort', () =>
      reject(
        signal === undefined ? new ConclaveError('NETWORK', 'The upload was cut') : abortedError(signal),
      ),
    );
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.send(body);
  });
}
