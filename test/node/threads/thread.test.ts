import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { deferred } from "../../../src/base/deferred.ts";
import type { StatefoldError } from "../../../src/base/errors.ts";
import { asked } from "../../../src/node/asked.ts";
import { openStorage } from "../../../src/node/storage.ts";
import { FigureSheet } from "../../../src/node/threads/figure-sheet.ts";
import { mainDesk } from "../../../src/node/threads/main-desk.ts";
import type { ThreadSetup } from "../../../src/node/threads/setup.ts";
import { Thread } from "../../../src/node/threads/thread.ts";
import { ThreadFigures } from "../../../src/node/threads/thread-figures.ts";
import { ThreadSeat } from "../../../src/node/threads/thread-seat.ts";
import { createLogger } from "../../../src/telemetry/logger.ts";
import { atEnd } from "../../support/cleanup.ts";
import { BLOCKED } from "../functions/trouble.ts";

const PLACE = { file: "module.yaml", line: 1, column: 1 };
const TROUBLE = fileURLToPath(new URL("../functions/trouble.js", import.meta.url));

test("a thread that does not stop within STOP_MS is ended as it is, and that is said", async (t) => {
  const wanted = { application: "test", dataDir: undefined, partitions: 1, acceptLoss: false };
  const storage = await openStorage(wanted);
  atEnd(t, () => storage.close());
  const memory = FigureSheet.memoryFor([]);
  const setup: ThreadSetup = {
    ...{ application: "test", threads: 1, partitions: [0], storage: storage.share },
    module: {
      endpoints: [
        {
          ...{ kind: "embedded", place: PLACE, module: TROUBLE, onFailure: "park" },
          retry: { maxAttempts: 1, initialMs: 1, maxMs: 1 },
          ...{ concurrency: 1, delivery: "immediate", maxNumBatchRequests: 1 },
        },
      ],
      ...{ ingresses: [], egresses: [] },
    },
    maxRecordBytes: 1,
    kafka: {
      ...{ application: "test", owner: { data: "", process: "" } },
      ...{ acceptLoss: false, intentsPath: "" },
    },
    ...{ takesSnapshots: false, logLevel: "silent", sheets: new Map([[0, memory]]) },
    ...{ figures: ThreadFigures.memoryFor(0), peers: new Map() },
  };
  const lines: string[] = [];
  const logger = createLogger({ readable: false, write: (line) => void lines.push(line) });
  const ended = deferred<StatefoldError>();
  const thread: Thread = new Thread({
    ...{ number: 4, setup, logger, stopMs: 50, onRoom: () => {} },
    onEnded: (error) => ended.resolve(error),
    hearer: mainDesk(
      {
        ...{ egresses: new Map(), onOpened: () => {}, onCommit: () => {}, logger },
        ...{ onPublished: () => {}, onEnded: () => {} },
      },
      { line: () => thread.line, seat: () => seat, seats: () => [seat] },
    ),
  });
  atEnd(t, () => thread.stop());
  const seat = new ThreadSeat({ index: 0, line: thread.line, sheet: new FigureSheet([], memory) });
  thread.seats.push(seat);
  await thread.begin();
  await seat.open();
  const value = { typename: "io.statefun.types/string", hasValue: true, value: BLOCK };
  const blocked = new BroadcastChannel(BLOCKED);
  atEnd(t, async () => blocked.close());
  const isBlocked = once(blocked, "message");
  const { answer } = asked(seat, {
    ...{ kind: "send", target: { type: "test/bomb", id: "a" }, value, delayMs: 0, headers: [] },
    ...{ idempotencyKey: undefined, traceparent: undefined },
  });
  // Its function has the thread for good, whether that was answered before or not.
  answer.catch(() => {});
  await isBlocked;
  const looking = assert.rejects(seat.look("work", {}), { code: "UNAVAILABLE" });
  await Promise.all([thread.stop(), thread.stop()]);
  await looking;
  assert.equal(seat.phase, "failed");
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    said.map(({ level, thread: number, msg }) => [level, number, msg]),
    [[50, 4, "A thread does not stop; it is ended as it is, as by a crash."]],
  );
});

/** The text "block", as the built-in string type has it. */
const BLOCK = Buffer.concat([Buffer.of(10, 5), Buffer.from("block")]);
