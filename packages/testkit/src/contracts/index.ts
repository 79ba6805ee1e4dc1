/** The contract suites of the platform's ports: functions that register vitest tests for one adapter each. */
export {
  contractMigrations,
  storeContract,
  type ContractDatabase,
  type ContractTables,
} from './store-contract.ts';
export { schemaUpgradeContract } from './schema-upgrade-contract.ts';
export { sharedStoreContract } from './shared-store-contract.ts';
export { outboxRelayContract } from './outbox-relay-contract.ts';
export { busContract, type ContractBus } from './bus-contract.ts';
export { leasesContract } from './leases-contract.ts';
export { blobStoreContract, type ContractBlobStore } from './blob-store-contract.ts';
export { rateLimiterContract, type ContractRateLimiter } from './rate-limiter-contract.ts';
export { presenceContract, type ContractPresence } from './presence-contract.ts';
export { gatewayContract, gatewayContractSettings, type ContractGateway } from './gateway-contract.ts';
export { cacheContract, type ContractCache } from './cache-contract.ts';
export { codeOf } from './rejection.ts';
