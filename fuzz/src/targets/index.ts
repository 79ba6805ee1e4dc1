/** All targets by name. Modules are named, not imported: instrumentation has to come first (engine/worker.ts). */
const names = [
  'frame',
  'server-verdict',
  'member-verdict',
  'preview',
  'tree',
  'merkle-path',
  'node',
  'invite',
  'sealed-invite',
  'invite-link',
  'roster-snapshot',
  'commit-payload',
  'member-message',
  'padding',
  'member-state',
  'read-token',
  'sealing-proof',
  'ristretto',
  'tuple-hash',
  'gateway-commands',
  'gateway-protobuf',
  'attachment',
  'attachment-note',
  'backup',
  'http-values',
  'server-answers',
  'live-feed',
] as const;

export const moduleByTarget: ReadonlyMap<string, string> = new Map(
  names.map((name) => [name, new URL(`${name}.ts`, import.meta.url).href]),
);
