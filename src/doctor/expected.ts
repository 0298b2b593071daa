/** Compares a census with itself: the sums of I4, and what one record promises of another. */
import { KeyReader, keyOf } from "../store/keys.ts";
import { decodeCall } from "../store/records/call.ts";
import { decodeOnce } from "../store/records/once.ts";
import { decodeState } from "../store/records/state.ts";
import { decodeTimer } from "../store/records/timer.ts";
import { type Census, tokenThing } from "./census.ts";
import { contradiction, type Findings } from "./finding.ts";
import { Differences, Fingerprint } from "./pairs.ts";

/** Entries under some tags, with their seals taken off; those that fail it are left out. */
export type EntriesOf = (
  tag: "state" | "once" | "call" | "expiry" | "token" | "timer",
) => AsyncIterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>;

/** I4, from the raw records. */
export function compareSums(census: Census, findings: Findings): void {
  const { meta } = census;
  if (meta === undefined) return;
  const pairs = [
    ["messages in mailboxes", meta.mail, census.mail],
    ["delayed messages", meta.timers, census.timers],
    ["effects in outboxes", meta.outbox, census.outboxEffects],
    ["dead letters", meta.dead, census.dead],
  ] as const;
  for (const [what, said, counted] of pairs) {
    if (said === counted) continue;
    const text = `${counted} ${what} are there, and the partition counts ${said} (I4)`;
    findings.add(contradiction(census.where, text, "Messages were lost or came twice."));
  }
  const held = meta.finished + meta.mail + meta.timers + meta.outbox + meta.dead;
  if (held !== meta.accepted) {
    const text = `${meta.accepted} messages were accepted, and ${held} are accounted for (I4)`;
    findings.add(contradiction(census.where, text, "Messages were lost or came twice."));
  }
  if (census.greatestSequence >= meta.nextSequence) {
    const text = `sequence ${census.greatestSequence} is in use, and ${meta.nextSequence} is given next`;
    findings.add(contradiction(census.where, text, "New messages would overwrite old ones."));
  }
}

export function compareOutboxes(census: Census, findings: Findings): void {
  for (const { destination, end } of census.outboxes.values()) {
    const next = census.positions.get(`outbox:${destination}`);
    if (next !== undefined && end <= next) continue;
    const text = `the outbox of ${destination} holds numbers up to ${end - 1}, and gives ${next ?? "its first number"} next`;
    const means = "Its receiver would take new effects for some that it has, and skip them.";
    findings.add(contradiction(census.where, text, means));
  }
}

/** Each token stands for its timer, each timer for its token. */
export async function compareTokens(
  census: Census,
  entries: EntriesOf,
  findings: Findings,
): Promise<void> {
  const buckets = census.tokensOfTimers.difference(census.tokensOfTokens);
  if (buckets.size === 0) return;
  const differences = new Differences(buckets);
  for await (const { key, value } of entries("token")) differences.add(tokenThing(key, value), 1);
  for await (const { key, value } of entries("timer")) {
    const { sender, token } = decodeTimer(value);
    if (sender === undefined || token === "") continue;
    differences.add(tokenThing(keyOf("token", sender.id, token), key.subarray(1)), -1);
  }
  for (const side of [1, -1] as const) {
    for (const thing of differences.only(side)) {
      const reader = new KeyReader(thing);
      const name = `token ${JSON.stringify(reader.text())}/${JSON.stringify(reader.text())}`;
      const due = new Date(new KeyReader(Buffer.concat([Buffer.of(0), reader.rest()])).number());
      const [text, means] =
        side === 1
          ? ["has no delayed message", "Cancelling it would count a message that is not there."]
          : ["of a delayed message is unknown", "That message can no longer be cancelled."];
      const what = `${name} (due ${due.toISOString()}) ${text}`;
      findings.add(contradiction(census.where, what, means), "tokens");
    }
  }
}

/** What expires stands in the index, so that it leaves some day. More may stand there. */
export async function compareExpiries(
  census: Census,
  entries: EntriesOf,
  findings: Findings,
): Promise<void> {
  const there = new Fingerprint();
  for await (const { key } of entries("expiry")) there.add(key);
  const buckets = census.expiriesWanted.difference(there);
  if (buckets.size === 0) return;
  const differences = new Differences(buckets);
  const want = (kind: string, key: Uint8Array, atMs: number): void => {
    if (atMs !== 0) differences.add(keyOf("expiry", atMs, kind, key), -1);
  };
  for await (const { key } of entries("expiry")) differences.add(key, 1);
  for await (const { key, value } of entries("state")) {
    want("state", key, decodeState(value).sweepAtMs);
  }
  for await (const { key, value } of entries("once")) {
    want("once", key, decodeOnce(value).expiresAtMs);
  }
  for await (const { key, value } of entries("call")) {
    want("call", key, decodeCall(value).expiresAtMs);
  }
  for (const thing of differences.only(-1)) {
    const reader = new KeyReader(thing);
    const at = new Date(reader.number()).toISOString();
    const what = `a ${reader.text()} that expires at ${at} is not in the index of what expires`;
    findings.add(
      contradiction(census.where, what, "It would stay on the disk for ever; nobody reads it."),
      "expiry index",
    );
  }
}

export function compareParked(
  census: Census,
  parked: ReadonlyMap<string, unknown>,
  findings: Findings,
): void {
  for (const name of parked.keys()) {
    if (census.parkedMail.has(name)) continue;
    findings.add(
      contradiction(
        census.where,
        `${name} is parked, and has no message that could be tried or skipped`,
        "It waits for a person for nothing; new messages to it wait too, until it is retried.",
      ),
      "parked addresses without mail",
    );
  }
}
