/** Real servers as processes, for tests, `conclave cluster` and measurements. */
export { findProgram, missingProgram } from './find-program.ts';
export { findFreePort, onFreePort } from './free-port.ts';
export { missingPostgres, startPostgres } from './postgres.ts';
export type { PostgresAddress, PostgresOptions, PostgresServer } from './postgres.ts';
export { missingNats, startNats, type NatsOptions, type NatsServer } from './nats.ts';
export { startRealServer } from './real-server.ts';
export type { LauncherOptions, RealServer, RealServerOptions } from './real-server.ts';
export { createServerFolder } from './server-folder.ts';
export type { ServerFolder, ServerFolderOptions } from './server-folder.ts';
export { unprivilegedUser } from './system-user.ts';
export type { SystemUser } from './system-user.ts';
export { startLink } from './link.ts';
export type { Link, LinkTarget } from './link.ts';
export { missingLoadBalancer, startLoadBalancer } from './load-balancer.ts';
export type { Backend, LoadBalancer, LoadBalancerOptions } from './load-balancer.ts';
export { missingRedis, startRedis, type RedisAddress, type RedisOptions, type RedisServer } from './redis.ts';
export { missingS3, startS3, type S3Address, type S3Server } from './s3.ts';
