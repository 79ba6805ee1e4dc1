/**
 * The HTTP surface of sealed groups and transfers, one function per operation of docs/decisions/0001-shape.md. Stateless:
 * it keeps no token. Posts to a group carry no credentials at all: the frame proves itself [F12].
 */
import { decodeBase64, decodeBase64url, encodeBase64url } from '../encoding/base64url.ts';
import { ConclaveError } from '../errors/conclave-error.ts';
import { badResponse, numberOf, stringOf, type HttpClient } from './http-client.ts';

export interface LoggedFrame {
  /** Dense per group, from 1. */
  readonly seq: number;
  readonly frame: Uint8Array;
}

export interface FramePage {
  readonly frames: readonly LoggedFrame[];
  /** Of the newest frame in the log when the page was made. */
  readonly lastSeq: number;
}

export interface OutstandingLeaveRecord {
  readonly leaf: number;
  readonly leafEpoch: number;
  readonly signature: Uint8Array;
}

export interface ServerDescription {
  /** What frames name as their origin. */
  readonly origin: string;
  readonly nowMs: number;
  readonly maxBlobBytes: number;
}

export interface Subscription {
  readonly channel: string;
  readonly connectionToken: string;
  readonly subscriptionToken: string;
  /** The origin of the gateway, where that is not the server's own. Servers that know no other do not say. */
  readonly gatewayUrl: string | undefined;
}

export interface BlobUpload {
  readonly blobId: Uint8Array;
  readonly size: number;
  readonly sha256: Uint8Array;
  readonly epoch: number;
  readonly proof: Uint8Array;
  readonly deleteHash: Uint8Array;
}

type Cancel = { readonly signal?: AbortSignal | undefined };

const SEALED = '/_conclave/sealed/v1';
const TRANSFER = '/_conclave/transfer/v1';

export type SealedApi = ReturnType<typeof createSealedApi>;

export function createSealedApi({ http }: { readonly http: HttpClient }) {
  const groupPath = (groupId: Uint8Array): string => `${SEALED}/groups/${encodeBase64url(groupId)}`;
  const blobPath = (groupId: Uint8Array, blobId: Uint8Array): string =>
    `${groupPath(groupId)}/blobs/${encodeBase64url(blobId)}`;

  return {
    server: http.server,

    async describeServer({ signal }: Cancel = {}): Promise<ServerDescription> {
      const answer = await http.requestJson({ method: 'GET', path: SEALED, signal });
      return {
        origin: stringOf(answer, 'origin'),
        nowMs: numberOf(answer, 'now_ms'),
        maxBlobBytes: numberOf(answer, 'max_blob_bytes'),
      };
    },

    /** The only request with an account. A repeated frame is answered like the first. */
    async createGroup(
      frame: Uint8Array,
      accessToken: string,
      { signal }: Cancel = {},
    ): Promise<{ seq: number }> {
      const answer = await http.requestJson({
        method: 'POST',
        path: `${SEALED}/groups`,
        body: { octets: frame },
        bearer: accessToken,
        signal,
      });
      return { seq: numberOf(answer, 'seq') };
    },

    /** Idempotent: the same octets again are answered with the same sequence number. `attempts` bounds retries of a 429. */
    async postFrame(
      groupId: Uint8Array,
      frame: Uint8Array,
      { signal, attempts }: Cancel & { readonly attempts?: number } = {},
    ): Promise<{ seq: number; epoch: number }> {
      const answer = await http.requestJson({
        method: 'POST',
        path: `${groupPath(groupId)}/frames`,
        body: { octets: frame },
        signal,
        ...(attempts === undefined ? {} : { attempts }),
      });
      return { seq: numberOf(answer, 'seq'), epoch: numberOf(answer, 'epoch') };
    },

    async getChallenge(groupId: Uint8Array, { signal }: Cancel = {}): Promise<Uint8Array> {
      const answer = await http.requestJson({
        method: 'POST',
        path: `${groupPath(groupId)}/challenge`,
        signal,
      });
      return decodeBase64url(stringOf(answer, 'challenge')) ?? badResponse('The challenge is not base64url');
    },

    async redeemChallenge(
      groupId: Uint8Array,
      proof: { readonly challenge: Uint8Array; readonly node: number; readonly signature: Uint8Array },
      { signal }: Cancel = {},
    ): Promise<{ readToken: string; epoch: number; expiresAtMs: number }> {
      const answer = await http.requestJson({
        method: 'POST',
        path: `${groupPath(groupId)}/token`,
        body: {
          json: {
            challenge: encodeBase64url(proof.challenge),
            node: proof.node,
            signature: encodeBase64url(proof.signature),
          },
        },
        signal,
      });
      return {
        readToken: stringOf(answer, 'read_token'),
        epoch: numberOf(answer, 'epoch'),
        expiresAtMs: numberOf(answer, 'expires_at'),
      };
    },

    async getFrames(
      groupId: Uint8Array,
      readToken: string,
      { after, limit, signal }: Cancel & { readonly after: number; readonly limit: number },
    ): Promise<FramePage> {
      const answer = await http.requestJson({
        method: 'GET',
        path: `${groupPath(groupId)}/frames`,
        query: { after, limit },
        bearer: readToken,
        signal,
      });
      const list = answer['frames'];
      if (!Array.isArray(list)) return badResponse('The answer has no frames');
      return { frames: list.map(parseLoggedFrame), lastSeq: numberOf(answer, 'last_seq') };
    },

    async getTree(
      groupId: Uint8Array,
      readToken: string,
      { epoch, signal }: Cancel & { readonly epoch: number },
    ): Promise<Uint8Array> {
      const path = `${groupPath(groupId)}/tree`;
      return (await http.request({ method: 'GET', path, query: { epoch }, bearer: readToken, signal }))
        .octets;
    },

    /** The log for a newcomer without a tree, from the epoch that added its leaf; `after` is where the page before ended. */
    async getPreview(
      groupId: Uint8Array,
      readToken: string,
      {
        leaf,
        epoch,
        after,
        signal,
      }: Cancel & { readonly leaf: number; readonly epoch: number; readonly after: number | undefined },
    ): Promise<Uint8Array> {
      const path = `${groupPath(groupId)}/preview`;
      const query = { leaf, epoch, after };
      const maxResponseBytes = 2 ** 22;
      return (await http.request({ method: 'GET', path, query, bearer: readToken, maxResponseBytes, signal }))
        .octets;
    },

    async getLeaves(
      groupId: Uint8Array,
      readToken: string,
      { signal }: Cancel = {},
    ): Promise<OutstandingLeaveRecord[]> {
      const path = `${groupPath(groupId)}/leaves`;
      const answer = await http.requestJson({ method: 'GET', path, bearer: readToken, signal });
      const list = answer['leaves'];
      if (!Array.isArray(list)) return badResponse('The answer has no leaves');
      return list.map((item: unknown) => {
        const record = objectOf(item);
        return {
          leaf: numberOf(record, 'leaf'),
          leafEpoch: numberOf(record, 'leaf_epoch'),
          signature:
            decodeBase64url(stringOf(record, 'signature')) ?? badResponse('A leave is not base64url'),
        };
      });
    },

    async subscribe(groupId: Uint8Array, readToken: string, { signal }: Cancel = {}): Promise<Subscription> {
      const path = `${groupPath(groupId)}/subscription`;
      const answer = await http.requestJson({ method: 'POST', path, bearer: readToken, signal });
      return {
        channel: stringOf(answer, 'channel'),
        connectionToken: stringOf(answer, 'connection_token'),
        subscriptionToken: stringOf(answer, 'subscription_token'),
        gatewayUrl: gatewayOf(answer, http.server),
      };
    },

    blobPath,

    blobHeaders(upload: BlobUpload): Record<string, string> {
      return {
        'x-conclave-epoch': String(upload.epoch),
        'x-conclave-sha256': encodeBase64url(upload.sha256),
        'x-conclave-delete-hash': encodeBase64url(upload.deleteHash),
        'x-conclave-proof': encodeBase64url(upload.proof),
      };
    },

    async putBlob(
      groupId: Uint8Array,
      upload: BlobUpload,
      octets: Uint8Array,
      { signal }: Cancel = {},
    ): Promise<void> {
      await http.request({
        method: 'PUT',
        path: blobPath(groupId, upload.blobId),
        headers: this.blobHeaders(upload),
        body: { octets },
        signal,
      });
    },

    async getBlob(
      groupId: Uint8Array,
      blobId: Uint8Array,
      readToken: string,
      { signal, maxBytes }: Cancel & { readonly maxBytes: number },
    ): Promise<Uint8Array> {
      const path = blobPath(groupId, blobId);
      return (
        await http.request({ method: 'GET', path, bearer: readToken, maxResponseBytes: maxBytes, signal })
      ).octets;
    },

    /** False when it was gone already. */
    async deleteBlob(
      groupId: Uint8Array,
      blobId: Uint8Array,
      capability: Uint8Array,
      { signal }: Cancel = {},
    ): Promise<boolean> {
      const headers = { 'x-conclave-delete-capability': encodeBase64url(capability) };
      try {
        await http.request({ method: 'DELETE', path: blobPath(groupId, blobId), headers, signal });
        return true;
      } catch (error) {
        if (error instanceof ConclaveError && error.code === 'CONCLAVE_BLOB_GONE') return false;
        throw error;
      }
    },

    async createTransfer(
      octets: Uint8Array,
      { ttlMs, signal }: Cancel & { readonly ttlMs: number },
    ): Promise<string> {
      const answer = await http.requestJson({
        method: 'POST',
        path: TRANSFER,
        query: { ttl_ms: ttlMs },
        body: { octets },
        signal,
      });
      return stringOf(answer, 'id');
    },

    /** Reads and destroys: one try, because a second would find nothing. */
    async readTransfer(id: string, { signal }: Cancel = {}): Promise<Uint8Array> {
      const path = `${TRANSFER}/${encodeURIComponent(id)}/read`;
      return (await http.request({ method: 'POST', path, attempts: 1, maxResponseBytes: 2 ** 20, signal }))
        .octets;
    },
  };
}

function parseLoggedFrame(item: unknown): LoggedFrame {
  const record = objectOf(item);
  const frame = decodeBase64(stringOf(record, 'frame')) ?? badResponse('A frame is not base64');
  return { seq: numberOf(record, 'seq'), frame };
}

function objectOf(item: unknown): Readonly<Record<string, unknown>> {
  return typeof item === 'object' && item !== null
    ? (item as Readonly<Record<string, unknown>>)
    : badResponse('A list holds something that is not an object');
}

/** Throws `BAD_RESPONSE` unless it is an origin, and as well protected as the server itself: tokens are sent there. */
function gatewayOf(answer: Readonly<Record<string, unknown>>, server: string): string | undefined {
  if (answer['gateway_url'] === undefined) return undefined;
  const url = URL.parse(stringOf(answer, 'gateway_url'));
  const protocols = server.startsWith('https:') ? ['https:'] : ['https:', 'http:'];
  if (url === null || !protocols.includes(url.protocol)) badResponse('The answer has no usable gateway_url');
  return url.origin;
}
