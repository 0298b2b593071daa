/** Answers made by someone who knows the others by name, and wants to get at them. */
import { CALL_TYPE } from "../../src/model/owner.ts";
import type { Rng } from "../support/rng.ts";
import { ASKED, BUSY, EVIL, IDLE, PARKED } from "./reach-world.ts";
import { delimited, int, text } from "./wire.ts";
import { anyText } from "./words.ts";

const INNER = [
  "io.statefold/call",
  "io.statefold/partition",
  "io.statefold/egress",
  "io.statefun/x",
];
const EGRESSES = ["test/out", "test/out", "test/nowhere", "partition/1", "partition:1", "egress/x"];
const STATES = ["x", "secret", "", "__proto__", "constructor", "a"];
const TOKENS = ["tick", "tick", "t", "", "\0", "__proto__", "x".repeat(5_000)];

/** @param own the id of the call that the hostile function was asked by, if it was by one */
export function aimedAnswer(rng: Rng, callId: string, own: string | undefined): Buffer {
  const parts: Buffer[] = [];
  for (let effects = 1 + rng.int(6); effects > 0; effects--) {
    switch (rng.int(6)) {
      case 0:
      case 1:
        parts.push(delimited(2, target(rng, 1, callId, own), argument(rng, 2)));
        break;
      case 2: {
        const delay = int(1, rng.pick([0n, 1n, 5_000n, 2n ** 53n, 2n ** 62n]));
        const later = [delay, target(rng, 2, callId, own), argument(rng, 3)];
        parts.push(delimited(3, ...later, text(11, rng.pick(TOKENS))));
        break;
      }
      case 3:
        parts.push(delimited(3, int(10, 1), text(11, rng.chance(0.8) ? "tick" : "t")));
        break;
      case 4: {
        const [namespace = "", ...rest] = rng.pick(EGRESSES).split("/");
        parts.push(delimited(4, text(1, namespace), text(2, rest.join("/")), argument(rng, 3)));
        break;
      }
      default: {
        const name = text(2, rng.pick(STATES));
        parts.push(delimited(1, int(1, rng.chance(0.7) ? 1 : 0), name, argument(rng, 3)));
      }
    }
  }
  if (rng.chance(0.15)) return declaration(rng);
  return delimited(100, ...parts);
}

function declaration(rng: Rng): Buffer {
  const states = STATES.filter(() => rng.chance(0.4)).map((name) => {
    const expiration = rng.chance(0.3) ? [delimited(2, int(1, 1 + rng.int(2)), int(2, 5_000))] : [];
    return delimited(1, text(1, name), ...expiration, text(3, "test/plain"));
  });
  return delimited(101, ...states);
}

function argument(rng: Rng, field: number): Buffer {
  const typename = rng.pick(["test/plain", "bad", "io.statefun.types/string", anyText(rng)]);
  return delimited(field, text(1, typename), int(2, 1), delimited(3, rng.bytes(rng.int(12))));
}

/** Somebody of the others, an inner address, nobody, or a call whose id was guessed. */
function target(rng: Rng, field: number, callId: string, own: string | undefined): Buffer {
  const parts = (type: string, id: string): Buffer => {
    const [namespace = "", ...rest] = type.split("/");
    return delimited(field, text(1, namespace), text(2, rest.join("/")), text(3, id));
  };
  switch (rng.int(6)) {
    case 0:
      return parts(CALL_TYPE, own !== undefined && rng.chance(0.5) ? own : guessed(rng, callId));
    case 1:
      return parts(rng.pick(INNER), anyText(rng));
    case 2:
      return parts(rng.pick(["demo/x", "x/a", "demo/nobody", "a/b/c", "/"]), anyText(rng));
    default: {
      const { type, id } = rng.pick([BUSY, IDLE, PARKED, ASKED, EVIL]);
      return parts(type, id);
    }
  }
}

/** A call's id that is nearly right. */
function guessed(rng: Rng, callId: string): string {
  const last = callId.at(-1) === "z" ? "a" : "z";
  const almost = [callId.slice(0, -1) + last, callId.slice(0, -1), `${callId}0`, `0${callId}`];
  const parts = callId.split("-");
  return rng.pick([
    ...almost,
    parts.slice(0, 3).join("-"),
    callId.toUpperCase(),
    ` ${callId}`,
    "0-",
  ]);
}
