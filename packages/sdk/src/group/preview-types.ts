/** What a newcomer is shown of a group before it has the tree and the roster (docs/sealed-groups.md §8.7). */
import type { MessageContent } from './group-types.ts';

/** Said by somebody who has the group's keys. Who, is not known before the join is complete: show no name beside it. */
export interface PreviewMessage {
  /** The `id` that the verified message will have. */
  readonly id: string;
  readonly author: 'unverified';
  /** The leaf that it claims to be by. */
  readonly leaf: number;
  /** The writer's clock, as claimed. */
  readonly sentAtMs: number;
  readonly content: MessageContent;
}

/**
 * `message`: in the order of the log. `ended`: no more will come; `code` names an error or a broken rule if that was the reason. A
 * preview that ends does not disturb the join: what it showed is replaced by messages of the group, and what is not, was never said.
 */
export type PreviewEvent = { readonly groupId: string } & (
  | { readonly kind: 'message'; readonly message: PreviewMessage }
  | { readonly kind: 'ended'; readonly code: string | undefined }
);
