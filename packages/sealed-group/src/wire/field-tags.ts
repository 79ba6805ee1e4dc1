/**
 * The tags of sealed_group.proto for the reader: number and wire type of a field in one octet, as it stands before a value.
 * test/wire/field-tags.test.ts compares them with the generated schema.
 */
const number = (field: number): number => field << 3;
/** Bytes, strings, messages and packed numbers. */
const sized = (field: number): number => (field << 3) | 2;

export const fieldTags = {
  Frame: { body: sized(1), trailer: sized(2) },
  Body: {
    version: number(1),
    suite: number(2),
    origin: sized(3),
    groupId: sized(4),
    epoch: number(5),
    nonce: sized(6),
    nowMs: number(7),
    create: sized(8),
    commit: sized(9),
    message: sized(10),
    leave: sized(11),
  },
  Mode: { leafProof: number(1), minWriter: number(2), ownDevices: number(3) },
  Create: { leafKey: sized(1), mode: sized(2) },
  Commit: {
    committer: number(1),
    operations: sized(2),
    fills: sized(3),
    leafKey: sized(4),
    sealed: sized(5),
  },
  Operation: { setRole: sized(1), remove: sized(2), add: sized(3), setMode: sized(4) },
  SetRole: { leaf: number(1), role: number(2) },
  Remove: { leaf: number(1), leaveSignature: sized(2) },
  Add: { leafKey: sized(1), role: number(2), expiresAtMs: number(3), device: number(4) },
  SetMode: { mode: sized(1) },
  SealedNode: { node: number(1), key: sized(2), commitments: sized(3), handles: sized(4) },
  Message: { header: sized(1), ciphertext: sized(2) },
  Leave: { leaf: number(1), leafEpoch: number(2) },
  CreateTrailer: { confirm: sized(1), payload: sized(2), possession: sized(3) },
  CommitTrailer: {
    possessions: sized(1),
    sealingProof: sized(2),
    confirm: sized(3),
    payload: sized(4),
    oldSignature: sized(5),
    newSignature: sized(6),
  },
  MessageTrailer: { epochProof: sized(1), leafProof: sized(2) },
  LeafProof: { leaf: number(1), signature: sized(2) },
  LeaveTrailer: { signature: sized(1) },
} as const;
