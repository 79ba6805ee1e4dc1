/**
 * How many connections there may be, in all and from one address.
 */
export interface AdmissionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

export type Admitted =
  /** Disposing gives the place back; doing so again has no effect. */
  | { readonly ok: true; readonly place: Disposable }
  | { readonly ok: false; readonly reason: 'full' | 'address' };

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #countByAddress = new Map<string, number>();
  #count = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  enter(address: string): Admitted {
    const ofAddress = this.#countByAddress.get(address) ?? 0;
    if (this.#count >= this.#limits.maxConnections) return { ok: false, reason: 'full' };
    if (ofAddress >= this.#limits.maxConnectionsPerAddress) return { ok: false, reason: 'address' };
    this.#count += 1;
    this.#countByAddress.set(address, ofAddress + 1);
    let held = true;
    const leave = (): void => {
      if (!held) return;
      held = false;
      this.#count -= 1;
      const left = (this.#countByAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#countByAddress.set(address, left);
      else this.#countByAddress.delete(address);
    };
    return { ok: true, place: { [Symbol.dispose]: leave } };
  }
}
