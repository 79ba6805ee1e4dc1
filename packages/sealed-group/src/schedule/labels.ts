/**
 * Every label of the key schedule, in one place: two derivations are independent exactly when their labels differ, so
 * this table is the thing to read when asking whether they do. `expandLabel` puts protocol and version before each.
 */
export const scheduleLabels = {
  /** epoch_secret -> chain_e: enters the next epoch, and invites. */
  chain: 'chain',
  /** epoch_secret -> key of the `confirm` MAC. */
  confirmation: 'confirmation',
  /** epoch_secret -> key of the mask over (leaf, generation). */
  header: 'header',
  /** epoch_secret -> key of the commit's payload. */
  payload: 'payload',
  /** epoch_secret -> exporter secret. */
  exporter: 'exporter',
  /** epoch_secret -> epoch authenticator: not secret among members, compared by people. */
  authenticator: 'authenticator',
  /** epoch_secret -> root of the secret tree. */
  secretTree: 'secret-tree',

  /** secret tree node -> left child, right child. */
  treeLeft: 'tree-left',
  treeRight: 'tree-right',
  /** secret tree leaf -> the leaf's first ratchet secret. */
  ratchetStart: 'ratchet-start',
  /** ratchet secret i -> ratchet secret i + 1. */
  ratchetNext: 'ratchet-next',
  /** ratchet secret i -> the secret of generation i. */
  generation: 'generation',

  /** generation secret, frame nonce -> AES-256-GCM key, nonce. */
  messageKey: 'message-key',
  messageNonce: 'message-nonce',
  /** header key, frame nonce, ciphertext sample -> mask of the header. */
  headerMask: 'header-mask',
  /** payload key, body hash -> AES-256-GCM key, nonce. */
  payloadSealKey: 'payload-seal-key',
  payloadSealNonce: 'payload-seal-nonce',

  /** exporter secret, the application's label -> per-label secret -> exported bytes. */
  exporterLabel: 'exporter-label',
  exported: 'exported',

  /** authenticator or identity digest -> decimal digits for people. */
  digits: 'digits',

  /** roster snapshot key -> AES-256-GCM key, nonce. */
  snapshotKey: 'snapshot-key',
  snapshotNonce: 'snapshot-nonce',
  /** invite link secret -> XChaCha20-Poly1305 key. */
  inviteKey: 'invite-key',
} as const;

export type ScheduleLabel = (typeof scheduleLabels)[keyof typeof scheduleLabels];
