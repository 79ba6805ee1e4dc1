/**
 * A secret that another program shares with this one (a database's password): read from a file that a setting names, never
 * a setting, an argument or a variable itself, which others on the machine can see.
 */
import { readFileSync } from 'node:fs';
import { SecretsFileError } from './server-secrets.ts';

/** More is a wrong file. */
const maxBytes = 4_096;

/** The text of the file without a line break at its end. Throws {@link SecretsFileError}, which quotes nothing of it. */
export function readSecretFile(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SecretsFileError(
      `${file} cannot be read`,
      'Give a file that the user of the server can read.',
      {
        cause,
      },
    );
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '' || text.length > maxBytes || /[\r\n\0]/.test(secret)) {
    throw new SecretsFileError(`${file} does not hold one secret`, 'Write the secret into it, in one line.');
  }
  return secret;
}

/** The same for a setting that may be null. */
export function readOptionalSecretFile(file: string | null): string | undefined {
  return file === null ? undefined : readSecretFile(file);
}
