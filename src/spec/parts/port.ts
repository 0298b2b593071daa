import { type Reader, refined } from "../reader/reader.ts";
import { claim, integer } from "../reader/scalars.ts";

/** A port to listen on; each can be used once. 0: any free one. */
export const port: Reader<number> = refined(
  integer({ atLeast: 0, atMost: 65_535 }),
  (number, at) => (number === 0 ? number : (claim("port", String(number), at) ?? number)),
);
