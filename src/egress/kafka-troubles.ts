/** What keeps a partition from publishing exactly once, in words for people. */
import { StatefoldError } from "../base/errors.ts";

/** @param name of application, egress and partition, here and below */
export function fenced(name: string, by: string, own: string): StatefoldError {
  return new StatefoldError(
    "KAFKA_FENCED",
    `another process publishes as ${name} now (it signs as ${by}, this one as ${own}): stop one of the two, or give them different application names`,
  );
}

/** @param first of the records that may have been published */
export function markerLost(name: string, first: number): StatefoldError {
  return new StatefoldError(
    "KAFKA_MARKER_LOST",
    `the brokers do not know how far ${name} has published, and record ${first} may have been: its offsets were deleted, have expired (offsets.retention.minutes), or belong to other data; --accept-loss publishes what waits all the same`,
  );
}

/** @param next and @param given: behind the last record that was published, and that this data knows of */
export function markerAhead(name: string, next: number, given: number): StatefoldError {
  return new StatefoldError(
    "KAFKA_MARKER_AHEAD",
    `${name} has published up to record ${next - 1}, and this data knows of ${given - 1}: an older copy of the data was put in place; put the newest back, or start once with --accept-loss, and what is done again is published again`,
  );
}

export function mayNotMark(name: string, topic: string): StatefoldError {
  return new StatefoldError(
    "CONFIG_INVALID",
    `exactly-once needs the right to Read topic ${topic}, beside which group ${name} notes how far it has published (TOPIC_AUTHORIZATION_FAILED)`,
  );
}
