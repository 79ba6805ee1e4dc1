/**
 * Shows a newcomer what is said in the group while the tree is still to be fetched: pages of the log with openings in the place of
 * commits, opened by keys that last as long as this object. Nothing is stored, and nothing here fails a join.
 *
 *     readPage ─▶ start, openings, messages ─▶ onEvent │ follow: further pages, until the log's end, `signal` or what fails
 */
import { decodePreviewPage, Preview, type Invite, type Suite, type Violation } from '@conclave/sealed-group';
import { encodeBase64url } from '../encoding/base64url.ts';
import { ConclaveError } from '../errors/conclave-error.ts';
import type { SealedApi } from '../http/sealed-api.ts';
import { fromMemberContent, toContent } from './message-content.ts';
import type { PreviewEvent } from './preview-types.ts';

export interface PreviewLogDeps {
  readonly suite: Suite;
  readonly api: SealedApi;
  readonly invite: Invite;
  /** A read token by the invite's leaf. */
  readonly token: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: PreviewEvent) => void;
}

export class PreviewLog implements Disposable {
  readonly #deps: PreviewLogDeps;
  readonly #groupId: string;
  #preview: Preview | undefined;
  #readTo: number | undefined;
  #ended = false;

  constructor(deps: PreviewLogDeps) {
    this.#deps = deps;
    this.#groupId = encodeBase64url(deps.invite.groupId);
  }

  /** One page. False when there is no more. */
  async readPage(): Promise<boolean> {
    if (this.#ended) return false;
    try {
      const isMore = await this.#readPage();
      if (!isMore) this.#end(undefined);
      return isMore;
    } catch (error) {
      if (!(error instanceof ConclaveError)) throw error;
      this.#end(error.code === 'ABORTED' ? undefined : error.code);
      return false;
    }
  }

  /** All further pages. */
  async follow(): Promise<void> {
    while (await this.readPage());
  }

  /** Forgets the keys. */
  [Symbol.dispose](): void {
    this.#end(undefined);
  }

  async #readPage(): Promise<boolean> {
    const { api, invite, token, signal } = this.#deps;
    const { groupId, leaf, epoch } = invite;
    const octets = await api.getPreview(groupId, token, { leaf, epoch, after: this.#readTo, signal });
    const page = decodePreviewPage(octets);
    if (!page.ok) return this.#refuse(page);
    const { start, items, readTo, lastSeq } = page.value;
    this.#preview ??= this.#open(start);
    const preview = this.#preview;
    if (preview === undefined) return false;
    for (const { kind, bytes } of items) {
      if (signal.aborted) return false;
      if (kind === 'message') {
        this.#show(preview, bytes);
        continue;
      }
      const advanced = preview.advance(bytes);
      if (!advanced.ok) return this.#refuse(advanced);
    }
    const isProgress = readTo > (this.#readTo ?? 0);
    this.#readTo = readTo;
    return isProgress && readTo < lastSeq;
  }

  #open(start: Uint8Array | undefined): Preview | undefined {
    const { suite, invite } = this.#deps;
    const opened = Preview.open(suite, invite, start ?? new Uint8Array(0));
    if (opened.ok) return opened.value;
    this.#refuse(opened);
    return undefined;
  }

  /** What a preview cannot read the full join will judge. */
  #show(preview: Preview, bytes: Uint8Array): void {
    const read = preview.readMessage(bytes);
    if (!read.ok) return;
    const { bodyHash, author, leaf, sentAtMs, content } = read.value;
    this.#deps.onEvent({
      groupId: this.#groupId,
      kind: 'message',
      message: {
        id: encodeBase64url(bodyHash),
        author,
        leaf,
        sentAtMs,
        content: toContent(fromMemberContent(content)),
      },
    });
  }

  #refuse({ rule }: Violation): false {
    this.#end(rule);
    return false;
  }

  #end(code: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#preview?.close();
    this.#preview = undefined;
    this.#deps.onEvent({ groupId: this.#groupId, kind: 'ended', code });
  }
}
