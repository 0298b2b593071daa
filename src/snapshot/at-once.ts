/**
 * Works on all items, so many at once. The first that fails ends the others, by the signal they are given; when this
 * settles none is running any more.
 *
 * @throws the reason of the first failure, or of the signal
 */
export async function atOnce<T>(
  items: Iterable<T>,
  count: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const left = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    try {
      for (let next = left.next(); next.done !== true; next = left.next()) {
        either.throwIfAborted();
        await work(next.value, either);
      }
    } catch (error) {
      failed.abort(error);
    }
  };
  await Promise.all(Array.from({ length: count }, worker));
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
}
