/**
 * The program that every SDK runs, in words, and what has to come of it. Its functions are written once
 * for each language, in the folders beside this file; the tests are the same for all.
 *
 * - `sdk/values` has a state for each type. A message of a type is kept in its state, and answered with the
 *   value that was there before, or with the string `none`. An order, whatever it says, removes all of
 *   them and is answered with `forgotten`.
 * - `sdk/worker` takes orders. Each makes its state `total` one more, and the record `<act> <total>` in topic
 *   `said`, under its own id, through the egress `sdk/kafka`. Then it does what the order says (below), and
 *   answers with the same text, unless another worker sent the order. A string it takes becomes a record too.
 * - `sdk/peer` has no state, and answers a string with `<caller> asked <own id> <string>`.
 * - `sdk/session` has the states of {@link SESSION}. The order `begin` sets them to 1. Each order becomes a
 *   record in `said`: its act, and the names of the states that have a value.
 * - `sdk/sealed` counts, and answers `sealed <count>`. It is called over mutual TLS.
 *
 * The program is given the port for HTTP, the port for mutual TLS, and the folder of its certificates
 * (`ca.pem`, `server.pem`, `server-key.pem`); it says `serving` when it is ready.
 */
export interface Order {
  /**
   * - `nothing`: it does none of this, not even count.
   * - `tell`: the worker `to` is sent the order `told`.
   * - `ask`: the peer `to` is sent the string `who?`.
   * - `remind`: it sends itself the order `reminded` after `ms`, under `token` unless that is empty.
   * - `cancel`: what was sent under `token` is not to come.
   * - `note`: its total becomes a record of type int, without a key, in topic `notes` through `sdk/log`.
   * - `fail`: as `tell`; but the first time, when all is done, it fails.
   * - any other: nothing more.
   */
  readonly act: string;
  readonly to: string;
  readonly ms: number;
  readonly token: string;
}

/** JSON, with every field, under this name. */
export const ORDER = "sdk/Order";

export function order(act: string, rest: Partial<Omit<Order, "act">> = {}): Order {
  return { act, to: "", ms: 0, token: "", ...rest };
}

/** A type, the state that keeps values of it, and such values one after the other. */
export interface Kept {
  readonly state: string;
  readonly type: string;
  /** Built-in types: as JSON, and their bytes on the wire in hex. Other types: bytes alone, in hex. */
  readonly values: readonly (readonly [json: unknown, hex: string] | readonly [hex: string])[];
}

const builtIn = (state: string, name: string, ...values: (readonly [unknown, string])[]): Kept => ({
  ...{ state, type: `io.statefun.types/${name}`, values },
});

const own = (state: string, type: string, ...values: string[]): Kept => ({
  ...{ state, type, values: values.map((hex) => [hex] as const) },
});

/** The last value of each is the one without bytes, where there is one: a value, and not a missing one. */
export const VALUES: readonly Kept[] = [
  builtIn("flag", "bool", [true, "0801"], [false, ""]),
  builtIn("small", "int", [2_147_483_647, "0dffffff7f"], [-1, "0dffffffff"], [0, ""]),
  builtIn(
    ...["large", "long"],
    ["9223372036854775807", "09ffffffffffffff7f"],
    ["-9223372036854775808", "090000000000000080"],
    [0, ""],
  ),
  builtIn("single", "float", [1.5, "0d0000c03f"], [0, ""]),
  builtIn("precise", "double", [0.1, "099a9999999999b93f"], [0, ""]),
  builtIn("text", "string", ["Grüße 🌍", "0a0c4772c3bcc39f6520f09f8c8d"], ["", ""]),
  own("point", "sdk/Point", hex('{"x":-3,"name":"ü"}'), hex('{"x":0,"name":""}')),
  own("lasting", "type.googleapis.com/google.protobuf.Duration", "085a1005", ""),
  own("raw", "sdk/Bytes", "00ff80", ""),
];

function hex(text: string): string {
  return Buffer.from(text).toString("hex");
}

export interface StateSpec {
  readonly name: string;
  readonly type: string;
  readonly expires: "never" | "after call" | "after write";
  readonly afterMs: number;
}

const INT = "io.statefun.types/int";

/** The states of `sdk/session`. */
export const SESSION: readonly StateSpec[] = [
  { name: "written", type: INT, expires: "after write", afterMs: 1_000 },
  { name: "called", type: INT, expires: "after call", afterMs: 2_000 },
  { name: "lasting", type: INT, expires: "after write", afterMs: 3_600_000 },
];

/** The states of each function that has any, as it has to register them. */
export function statesOf(values: readonly Kept[]): Readonly<Record<string, readonly StateSpec[]>> {
  return {
    "sdk/values": values.map(({ state, type }) => never(state, type)),
    "sdk/worker": [never("total", INT)],
    "sdk/session": SESSION,
  };
}

function never(name: string, type: string): StateSpec {
  return { name, type, expires: "never", afterMs: 0 };
}
