/** The server: configuration in, a running Conclave out. Used by apps/server, the demo and tests. */
export { createServer, type ConclaveServer, type ServerOverrides } from './server/create-server.ts';
export type { Config, ConfigInput } from './config/config-schema.ts';
export {
  configFileVariable,
  ConfigError,
  loadConfig,
  parseConfig,
  type ConfigSources,
  type LoadConfigResult,
} from './config/load-config.ts';
export { renderConfigProblems, type ConfigProblem } from './config/config-problem.ts';
export { renderConfigReference, renderSampleConfig } from './config/render-config.ts';
export { errorCodes, type ErrorCode } from './errors/error-registry.ts';
export { renderErrorTable } from './errors/render-error-table.ts';
export { ListenError } from './http/http-listener.ts';
export {
  createOperatorClient,
  OperatorError,
  type OperatorClient,
  type RelayStatusAnswer,
} from './operator/operator-client.ts';
export {
  CentrifugoError,
  createCentrifugoApi,
  type CentrifugoApi,
  type CentrifugoApiOptions,
  type CentrifugoErrorCode,
  type CentrifugoNode,
} from './gateway/centrifugo-api.ts';
export { readCentrifugoSecrets } from './gateway/read-centrifugo-secrets.ts';
export {
  centrifugoConsumer,
  renderCentrifugoConfig,
  type CentrifugoListen,
  type CentrifugoSecrets,
} from './gateway/render-centrifugo-config.ts';
export { startGateway, type RunningGateway, type StartGatewayDeps } from './gateway/start-gateway.ts';
export type { BlobMoveStatus } from './move-blobs/move-progress.ts';
export { allMigrations } from './schema/server-migrations.ts';
export { newProcessId } from './server/process-id.ts';
export { readOptionalSecretFile } from './secrets/secret-file.ts';
export { SecretsFileError } from './secrets/server-secrets.ts';
