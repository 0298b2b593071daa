import { oneOf } from "../reader/scalars.ts";

/** What becomes of a record that cannot be routed. */
export const onInvalid = oneOf(["deadLetter", "skip", "stop"]);

/** When output leaves: with its epoch's commit, or when a snapshot covers it. */
export const release = oneOf(["commit", "snapshot"]);
