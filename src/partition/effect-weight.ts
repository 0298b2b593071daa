/**
 * What an answer will add to its epoch, before anything of it is applied: a few bytes of an answer can
 * become kilobytes of the store, since each effect names its sender, its cause and its trace again, and
 * what cannot be routed is told with its reason.
 */
import type { Address } from "../model/address.ts";
import type { Effects } from "../model/invocation.ts";
import {
  addressBytes,
  type Message,
  sentByBytes,
  sentBytes,
  valueBytes,
} from "../model/message.ts";

/** About what the store will take for these effects of `caller`'s, caused by `cause`. */
export function effectsBytes(caller: Address, cause: Message, effects: Effects): number {
  const { id: causeId, traceparent } = cause;
  const sentBy = sentByBytes(caller, causeId, traceparent);
  let bytes = 0;
  for (const { target, value } of effects.messages) bytes += sentBytes(target, value) + sentBy;
  for (const delayed of effects.delayed) {
    bytes += 2 * (delayed.token.length + addressBytes(caller));
    if (delayed.kind === "cancel") continue;
    const { target, value } = delayed;
    bytes += sentBytes(target, value) + sentBy;
  }
  const around = 200 + addressBytes(caller) + causeId.length + (traceparent?.length ?? 0);
  for (const { egress, value } of effects.egress) {
    bytes += around + 2 * egress.length + valueBytes(value);
  }
  return bytes;
}
