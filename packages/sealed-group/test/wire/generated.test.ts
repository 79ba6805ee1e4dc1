import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('the generated wire code is what the .proto files give: run scripts/generate-wire.sh if it is not', () => {
  const script = join(import.meta.dirname, '../../scripts/generate-wire.sh');
  expect(() => execFileSync(script, ['--check'], { stdio: 'pipe' })).not.toThrow();
});
