/** Every deliberate bug, part by part. */
import { AROUND } from "./list/around.ts";
import { BARRIERS } from "./list/barriers.ts";
import { CALLS } from "./list/calls.ts";
import { CHANNELS } from "./list/channels.ts";
import { COMMITS } from "./list/commits.ts";
import { DELIVERY } from "./list/delivery.ts";
import { FRAMES } from "./list/frames.ts";
import { KAFKA } from "./list/kafka.ts";
import { MAIL } from "./list/mail.ts";
import { OPERATORS } from "./list/operators.ts";
import { SNAPSHOTS } from "./list/snapshots.ts";
import { STATES } from "./list/states.ts";
import { SURVEY } from "./list/survey.ts";
import { THREADS } from "./list/threads.ts";
import { TIMERS } from "./list/timers.ts";
import type { Mutant } from "./mutant.ts";

export const MUTANTS: readonly Mutant[] = [
  ...COMMITS,
  ...MAIL,
  ...SURVEY,
  ...DELIVERY,
  ...OPERATORS,
  ...TIMERS,
  ...CHANNELS,
  ...BARRIERS,
  ...SNAPSHOTS,
  ...CALLS,
  ...STATES,
  ...KAFKA,
  ...FRAMES,
  ...THREADS,
  ...AROUND,
];
