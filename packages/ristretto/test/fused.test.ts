/** Which kernel a machine gets. */
import { describe, expect, it } from 'vitest';
import { createWasmEngine, runsExactly } from '../src/index.ts';
import { fusedModule, kernelModule } from './engines.ts';

describe('the kernel that Node takes', () => {
  it('is checked for exactness; the portable one always is exact', () => {
    expect(runsExactly(kernelModule)).toBe(true);
    expect(WebAssembly.Module.exports(kernelModule).some(({ name }) => name === 'isExact')).toBe(false);
  });

  it.skipIf(fusedModule === undefined)('may be the fused one, which says so itself', () => {
    expect(WebAssembly.Module.exports(fusedModule!).some(({ name }) => name === 'isExact')).toBe(true);
    expect(() => createWasmEngine(fusedModule!)).not.toThrow();
  });
});
