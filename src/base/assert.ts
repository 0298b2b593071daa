/** Assertions are for our own mistakes; the world's are StatefoldErrors. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`broken assumption: ${message}`);
}

/** Ends a switch that has taken every case: the compiler demands that none is left. */
export function unreachable(value: never): never {
  throw new Error(`broken assumption: unexpected ${JSON.stringify(value)}`);
}
