export interface Cancellable {
  cancel(): void;
}

/**
 * What an aborted signal ends. A signal usually belongs to something long-lived and is handed to every
 * call; a listener for each would make every call pay for all others (an EventTarget looks through all
 * its listeners on each change). So there is one listener a signal, with a set behind it.
 */
export class Cancellations {
  readonly #bySignal = new Map<
    AbortSignal,
    { readonly all: Set<Cancellable>; readonly onAbort: () => void }
  >();

  /** It is cancelled when the signal aborts, or at {@link cancelAll}, unless deleted before. */
  add(signal: AbortSignal, what: Cancellable): void {
    const known = this.#bySignal.get(signal);
    if (known !== undefined) {
      known.all.add(what);
      return;
    }
    const all = new Set([what]);
    const onAbort = (): void => {
      this.#bySignal.delete(signal);
      for (const each of all) each.cancel();
    };
    this.#bySignal.set(signal, { all, onAbort });
    signal.addEventListener("abort", onAbort, { once: true });
  }

  delete(signal: AbortSignal, what: Cancellable): void {
    const known = this.#bySignal.get(signal);
    if (known === undefined) return;
    known.all.delete(what);
    if (known.all.size > 0) return;
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
