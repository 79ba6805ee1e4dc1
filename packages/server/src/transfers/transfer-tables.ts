export interface TransferTables {
  transfers: TransfersTable;
  transfer_totals: TransferTotalsTable;
}

export interface TransfersTable {
  /** SHA-256 of the id: whoever can list the table still cannot tell the links that opened it. */
  id_hash: Uint8Array;
  /** At most `transfers.maxBytes` (never above 1 MiB), so rows suffice and reading can be one atomic statement. */
  body: Uint8Array;
  size: number;
  expires_at_ms: number;
}

/** One row, changed in the same unit as `transfers`: the quota is a lookup, not a scan. */
export interface TransferTotalsTable {
  id: 1;
  bytes: number;
  count: number;
}
