/** The bus on NATS JetStream. Apart from the rest, so that a server with embedded engines does not load its client. */
export type { DurableReader } from './durable-readers.ts';
export { openNatsBus, type NatsBusDeps, type NatsBusLimits } from './open-nats-bus.ts';
