/**
 * What an aborted signal ends. A signal usually belongs to something long-lived and is handed to every
 * call; a listener for each would make every call pay for all others (an EventTarget looks through all
 * its listeners on each change). So there is one listener a signal, with a set behind it.
 */
export class Cancellations {
  readonly #bySignal = new Map<AbortSignal, { cancels: Set<() => void>; onAbort: () => void }>();

  /** `cancel` is called when the signal aborts, or at {@link cancelAll}, unless deleted before. */
  add(signal: AbortSignal, cancel: () => void): void {
    const known = this.#bySignal.get(signal);
    if (known !== undefined) {
      known.cancels.add(cancel);
      return;
    }
    const cancels = new Set([cancel]);
    const onAbort = (): void => {
      this.#bySignal.delete(signal);
      for (const each of cancels) each();
    };
    this.#bySignal.set(signal, { cancels, onAbort });
    signal.addEventListener("abort", onAbort, { once: true });
  }

  delete(signal: AbortSignal, cancel: () => void): void {
    const known = this.#bySignal.get(signal);
    if (known === undefined) return;
    known.cancels.delete(cancel);
    if (known.cancels.size > 0) return;
    this.#bySignal.delete(signal);
    signal.removeEventListener("abort", known.onAbort);
  }

  cancelAll(): void {
    for (const [signal, { onAbort }] of [...this.#bySignal]) {
      signal.removeEventListener("abort", onAbort);
      onAbort();
    }
  }
}
