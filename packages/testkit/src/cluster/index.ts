/** A whole installation of real servers and several processes on this machine. */
export { missingCluster, startCluster } from './start-cluster.ts';
export type { Cluster, ClusterOptions, ClusterProcess, GatewayEngine } from './start-cluster.ts';
export type { ClusterEngines, EngineName } from './start-engines.ts';
