/** Centrifugo as a cluster's gateway, with the configuration that `conclave config centrifugo` prints for it. */
import { join } from 'node:path';
import { systemRandom } from '@conclave/platform';
import {
  parseConfig,
  readCentrifugoSecrets,
  renderCentrifugoConfig,
  type ConfigInput,
} from '@conclave/server';
import { startCentrifugo, type CentrifugoServer } from '../servers/centrifugo.ts';
import type { Link } from '../servers/link.ts';
import type { PortOf } from './cluster-ports.ts';
import { withPort } from './process-config.ts';

export interface CentrifugoOfOptions {
  readonly folder: string;
  readonly portOf: PortOf;
  readonly links: Readonly<Record<string, Link>>;
  /** That of any process: they agree in everything that the gateway has to know. */
  readonly config: ConfigInput;
}

export async function startCentrifugoOf(options: CentrifugoOfOptions): Promise<CentrifugoServer> {
  const { folder, portOf, links } = options;
  const config = parseConfig(options.config);
  const url = withPort(config.bus.url ?? '', links['centrifugo.nats']?.port ?? portOf('nats'));
  const secrets = readCentrifugoSecrets(config, { random: systemRandom, withAdmin: true });
  return startCentrifugo({
    folder: join(folder, 'centrifugo'),
    port: portOf('centrifugo'),
    internalPort: portOf('centrifugo.api'),
    // One node: what nodes share by Redis it has in memory, and goes on when Redis is killed.
    render: (place) =>
      renderCentrifugoConfig(
        { ...config, bus: { ...config.bus, url }, redis: { ...config.redis, url: null } },
        secrets,
        place,
      ),
  });
}
