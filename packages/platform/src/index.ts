/** Ports and embedded adapters: what is durable, what is told, what is bounded. Knows nothing of groups. */
export type { Clock } from './clock/clock.ts';
export { systemClock } from './clock/system-clock.ts';
export { systemRandom } from './random/system-random.ts';
export { randomFraction, type RandomSource } from './random/random-source.ts';
export { silentLog, type Log } from './log/log.ts';

export type { Isolation, Store, WriteOptions } from './store/store.ts';
export type { PreparedDefinition, PreparedQuery, RowOf } from './store/prepared-query.ts';
export { StoreError, type StoreErrorCode } from './store/store-error.ts';
export { isUniqueViolation } from './store/constraint.ts';
export { gateWrites } from './store/gate-writes.ts';
export { createReadOnlySwitch, type ReadOnlySession, type ReadOnlySwitch } from './store/read-only-switch.ts';
export { checkSchema } from './store/schema-record.ts';
export { watchSchema, type SchemaWatch } from './store/schema-watch.ts';
export { startDatabaseClock, type DatabaseClock } from './store/database-clock.ts';
export type { Migration, MigrationSequence, SchemaEngine } from './store/migration.ts';
export { acquireProcessLock } from './store/sqlite/process-lock.ts';
export { openSqliteStore, type SqliteStoreDeps } from './store/sqlite/open-sqlite-store.ts';

export type { OutboxTables, OutboxTable, OutboxParkedTable } from './outbox/outbox-table.ts';
export { enqueueOutbox, prepareEnqueue, type OutboxEntry } from './outbox/enqueue-outbox.ts';
export { discardParked, listParked, unpark, type ParkedRow } from './outbox/parked.ts';
export { startRelay, type Relay, type RelayDeps, type RelayLimits } from './relay/relay.ts';
export { readRelayStatus, type RelayStatus, type ShardStatus } from './relay/relay-status.ts';

export {
  LeaseError,
  type Lease,
  type LeaseErrorCode,
  type LeaseRecord,
  type Leases,
} from './leases/leases.ts';
export { createInProcessLeases } from './leases/in-process-leases.ts';
export { measureLeases } from './leases/measure-leases.ts';

export type { Bus, BusMessage, PublicationFence, PublishOptions } from './bus/bus.ts';
export { BusError, isTransientBusError, type BusErrorCode } from './bus/bus-error.ts';
export { isSubject, isSubjectPattern, SubjectIndex } from './bus/subject.ts';
export { createInProcessBus, type InProcessBusDeps, type InProcessBusLimits } from './bus/in-process-bus.ts';

export { createMetrics, DURATION_BUCKETS_S, type Metrics } from './metrics/metrics.ts';

export {
  noTracer,
  type Span,
  type SpanAttributes,
  type SpanOptions,
  type Tracer,
  type TracerSettings,
} from './tracing/tracer.ts';
export { openOtelTracer } from './tracing/open-otel-tracer.ts';
export { codeOf, traced } from './tracing/traced.ts';
export { parseTraceParent, type TraceParent } from './tracing/trace-parent.ts';
export { currentTraceParent, currentWork, outsideWork, runWork, type Work } from './tracing/work.ts';

export { RecencyMap } from './cache/recency-map.ts';

export type { RateLimiter, RateVerdict } from './rate-limit/rate-limiter.ts';
export { createTokenBucketLimiter, type TokenBucketDeps } from './rate-limit/token-bucket-limiter.ts';

export {
  maxListed,
  maxPresenceDataLength,
  maxPresent,
  PresenceError,
  type Presence,
  type PresenceErrorCode,
  type Present,
} from './presence/presence.ts';
export { createInProcessPresence } from './presence/in-process-presence.ts';
export { keepAnnouncing, type AnnouncingDeps } from './presence/keep-announcing.ts';

export {
  BlobError,
  isBlobKey,
  listBlobs,
  type BlobErrorCode,
  type BlobPage,
  type BlobReader,
  type BlobStore,
  type ByteRange,
  type PutErrorCode,
  type PutLimits,
  type PutResult,
} from './blobs/blob-store.ts';
export { openDiskBlobStore } from './blobs/disk-blob-store.ts';
export { fallBack } from './blobs/fall-back.ts';
export { measureBlobs } from './blobs/measure-blobs.ts';

export type { Cache, CacheCodec, CacheOptions } from './cache/cache.ts';
export { createInProcessCache } from './cache/in-process-cache.ts';
export { cacheBlobs, octetsCodec } from './cache/cache-blobs.ts';

export { createLog, type LogLevel } from './log/create-log.ts';
export { serializeError, type SerializedError } from './log/serialize-error.ts';
export {
  createLifecycle,
  LifecycleClosedError,
  type CloseReport,
  type Lifecycle,
  type Owned,
} from './lifecycle/lifecycle.ts';
