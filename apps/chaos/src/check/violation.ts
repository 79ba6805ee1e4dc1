/** What the checker may find. Each kind is shown to be found in `check-history.test.ts`. */
export const violationKinds = {
  lost: 'acknowledged, and not in the log at the place that was named',
  missed: 'in the log, and not heard by a member whose time it was',
  doubled: 'heard twice, or logged twice',
  reordered: "one sender's messages in another order than they were sent",
  diverged: 'two members, or a member and the log, have different messages at one place',
  'went-back': 'a place that is not after the one heard before',
  'never-sent': 'heard, and never sent by the one it names',
  revived: 'refused for good, and yet in the log',
  'heard-after-removal': 'heard or shown to somebody after the commit that removed it',
  stuck: 'no progress within the time after a fault',
  unanswered: 'sent or asked, and never answered',
  'log-broken': 'a log with holes, or with epochs out of order',
  'logs-differ': 'two server processes show different logs',
  'attachment-lost': 'acknowledged, and never to be had intact',
  warned: 'the SDK found the server to misbehave',
  'unclean-stop': 'a server process that was asked to end did so late, with an error, or not at all',
  died: 'a server process ended and nobody had made it',
} as const;

export type ViolationKind = keyof typeof violationKinds;

export interface Violation {
  readonly kind: ViolationKind;
  readonly group: string;
  readonly member?: string;
  readonly detail: string;
  /** Of the entry that shows it, to find it in the histories. */
  readonly atMs?: number;
}
