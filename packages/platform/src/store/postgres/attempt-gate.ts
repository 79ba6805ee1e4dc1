/**
 * Attempts of units run side by side; one that has lost several races runs alone, so that it cannot lose another to this
 * process. First come, first served.
 *
 *   shared shared shared │ exclusive │ shared shared
 */
export class AttemptGate {
  #running = 0;
  #exclusive = false;
  readonly #waiting: { readonly exclusive: boolean; readonly enter: () => void }[] = [];

  /** Resolves when the attempt may run. Dispose when it has. */
  async enter(exclusive: boolean): Promise<Disposable> {
    if (this.#waiting.length > 0 || !this.#mayEnter(exclusive)) {
      await new Promise<void>((enter) => this.#waiting.push({ exclusive, enter }));
    } else {
      this.#admit(exclusive);
    }
    return {
      [Symbol.dispose]: () => {
        this.#running -= 1;
        this.#exclusive = false;
        this.#pulse();
      },
    };
  }

  #mayEnter(exclusive: boolean): boolean {
    return exclusive ? this.#running === 0 : !this.#exclusive;
  }

  #admit(exclusive: boolean): void {
    this.#running += 1;
    this.#exclusive = exclusive;
  }

  #pulse(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && this.#mayEnter(next.exclusive);
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#admit(next.exclusive);
      next.enter();
    }
  }
}
