import assert from "node:assert/strict";
import { until } from "../../support/until.ts";
import { order, SESSION } from "./program.ts";
import type { Exchange } from "./recorder.ts";
import type { Stage } from "./stage.ts";

const [WRITTEN_MS, CALLED_MS] = SESSION.map(({ afterMs }) => afterMs) as [number, number];

/** So long after the time when a state is gone it is looked for. */
const AFTER_MS = 100;

/**
 * States that expire, at real time. A state has to be gone when its time is over, however slow the machine;
 * that it is still there before is only to be expected when the machine was quick enough to ask
 * before. When it was not, all begins again with another id.
 */
export async function checkSession(stage: Stage): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const id = `sam-${attempt}`;
    const said = await holdSession(stage, id);
    if (attempt < 4 && !wasInTime(stage, id)) continue;
    assert.deepEqual(said, [
      "begin written called lasting",
      "again called lasting", // written is over
      "still called lasting", // called would be over, without the call between
      "late lasting",
    ]);
    return;
  }
}

async function holdSession(stage: Stage, id: string): Promise<string[]> {
  const address = `sdk/session/${id}`;
  const answered = (count: number) =>
    until(`${count} answers`, () => calls(stage, id).length >= count, { timeoutMs: 30_000 });
  const firstStep = WRITTEN_MS + AFTER_MS;
  await stage.write("sessions", [id, order("begin")]);
  await answered(1);
  await stage.later(address, order("again"), firstStep);
  await stage.later(address, order("still"), CALLED_MS + AFTER_MS);
  await answered(3);
  await stage.later(address, order("late"), CALLED_MS + AFTER_MS);
  await answered(4);
  await stage.quiet();
  const mine = (await stage.records("said")).filter(({ key }) => key === id);
  return mine.map(({ value }) => value ?? "");
}

/** The answered calls of a session. */
function calls(stage: Stage, id: string): Exchange[] {
  return stage.recorder.with(`sdk/session/${id}`).filter(({ missing }) => missing.length === 0);
}

/** From each call to the next less time passed than states are kept after a call. */
function wasInTime(stage: Stage, id: string): boolean {
  const [begin, again, still] = calls(stage, id);
  if (begin === undefined || again === undefined || still === undefined) return false;
  const longest = Math.max(
    again.arrivedAtMs - begin.answeredAtMs,
    still.arrivedAtMs - again.answeredAtMs,
  );
  return longest < CALLED_MS;
}
