import { custom } from "./types/custom.ts";
import { json } from "./types/json.ts";
import { boolean, double, float, int, long, longAsBigint, longAsNumber } from "./types/numbers.ts";
import { protobuf } from "./types/protobuf.ts";
import { bytes, raw, string, text } from "./types/text.ts";

/**
 * The types of messages and states. On the wire they equal those of the official StateFun SDKs:
 * `io.statefun.types/{bool,int,long,float,double,string}`, and types of a name of your own.
 */
export const types = {
  boolean,
  int,
  long,
  longAsNumber,
  longAsBigint,
  float,
  double,
  string,
  bytes,
  raw,
  text,
  json,
  protobuf,
  custom,
} as const;
