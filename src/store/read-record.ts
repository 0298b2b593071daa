/** What every decoder of records.ts stands on: how a record that cannot be read is told. */
import { describeError, StatefoldError } from "../base/errors.ts";

type Int64 = number | { toNumber(): number } | null | undefined;

type Codec<W> = { readonly decode: (bytes: Uint8Array) => W };

/** @throws StatefoldError STORE_CORRUPT for whatever goes wrong meanwhile */
export function read<W, T>(
  what: string,
  codec: Codec<W>,
  bytes: Uint8Array,
  from: (wire: W) => T,
): T {
  try {
    return from(codec.decode(bytes));
  } catch (error) {
    const text = `a stored ${what} of ${bytes.byteLength} bytes cannot be read: ${describeError(error)}`;
    throw new StatefoldError("STORE_CORRUPT", text, { cause: error });
  }
}

/** @throws RangeError for what is no whole number, or more than one can be */
export function int(value: Int64): number {
  if (value === null || value === undefined) return 0;
  const number = typeof value === "number" ? value : value.toNumber();
  if (!Number.isSafeInteger(number)) throw new RangeError(`${number} was never written`);
  return number;
}

/** @throws RangeError when it is empty */
export function named(name: string, field: string): string {
  if (name === "") throw new RangeError(`its ${field} is missing`);
  return name;
}
