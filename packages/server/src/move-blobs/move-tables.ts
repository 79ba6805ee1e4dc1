/** The tables of ../schema/0008-attachment-moves.ts. */

export type BlobPlace = 'disk' | 's3';

export interface MoveBlobsTables {
  attachment_place: AttachmentPlaceTable;
  moved_attachments: MovedAttachmentsTable;
}

/** One row, since the first start. */
export interface AttachmentPlaceTable {
  id: 1;
  /** Where attachments are written. */
  engine: BlobPlace;
  /** Where others may still lie. */
  previous: BlobPlace | null;
  /** Attachments that a move works on at once; null while none was asked for. */
  concurrency: number | null;
  begun_at_ms: number | null;
  /** When all were found where they belong, or to be lost. */
  finished_at_ms: number | null;
}

/** An attachment that was read back from where it belongs and found to be what its row says. */
export interface MovedAttachmentsTable {
  storage_key: string;
  /** 1 if it was encrypted at rest then. */
  sealed: number;
  /** Why it could not be moved; then it was not found to be anything. */
  problem: MoveProblem | null;
}

export type MoveProblem =
  /** It is in neither place. */
  | 'missing'
  /** What is there is not what its row says. */
  | 'damaged';
