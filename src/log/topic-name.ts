import { createHash } from "node:crypto";
import { StatefoldError } from "../base/errors.ts";

/** Kafka's rule. Nothing in it can leave a folder, since '/' and '\' are not allowed. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/** Names that every file system tells apart and none treats specially. */
const PLAIN = /^[a-z0-9_-](?:[a-z0-9._-]*[a-z0-9_-])?$/;

export function isTopicName(name: string): boolean {
  return TOPIC_NAME.test(name) && name !== "." && name !== "..";
}

/** Refuses what Kafka would refuse, too: REQUEST_INVALID. */
export function checkTopicName(name: string): void {
  if (isTopicName(name)) return;
  throw new StatefoldError(
    "REQUEST_INVALID",
    `${JSON.stringify(name.slice(0, 300))} is no topic name: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-', and neither "." nor ".."`,
  );
}

/**
 * The folder of a topic. A plain name is its own folder. Others (capital letters, which some file systems
 * do not tell from small ones; dots at an end) get one that no plain name has: the topic's file inside
 * says what the name is.
 */
export function topicFolder(name: string): string {
  if (PLAIN.test(name)) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 24);
  return `${name.toLowerCase().slice(0, 200)}+${hash}`;
}
