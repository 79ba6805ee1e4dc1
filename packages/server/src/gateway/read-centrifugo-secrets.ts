/** Gathers what Centrifugo's configuration needs to be secret: from the root key, and from the files that settings name. */
import type { RandomSource } from '@conclave/platform';
import type { Config } from '../config/config-schema.ts';
import { readOptionalSecretFile } from '../secrets/secret-file.ts';
import { openServerSecrets, secretsFileOf } from '../secrets/server-secrets.ts';
import { gatewayAdminSecrets, gatewayApiKey, gatewayTokenSecret } from './gateway-secrets.ts';
import type { CentrifugoSecrets } from './render-centrifugo-config.ts';

/** Makes the secrets file if this is the installation's first command. Throws SecretsFileError. */
export function readCentrifugoSecrets(
  config: Config,
  options: { readonly random: RandomSource; readonly withAdmin: boolean },
): CentrifugoSecrets {
  const secrets = openServerSecrets(secretsFileOf(config), options.random);
  return {
    tokenSecret: gatewayTokenSecret(secrets),
    apiKey: readOptionalSecretFile(config.gateway.apiKeyFile) ?? gatewayApiKey(secrets),
    busPassword: readOptionalSecretFile(config.bus.passwordFile),
    redisPassword: readOptionalSecretFile(config.redis.passwordFile),
    admin: options.withAdmin ? gatewayAdminSecrets(secrets) : undefined,
  };
}
