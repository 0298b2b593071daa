/** What the threads of partitions ask of the main thread: the other end of their lines. */
import { assert } from "../../base/assert.ts";
import { StatefoldError } from "../../base/errors.ts";
import type { Egress } from "../../egress/contract.ts";
import type { Cut } from "../../partition/ports.ts";
import type { StoreSnapshot } from "../../store/contract.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Seat } from "../seat.ts";
import { uncarried } from "./carried-error.ts";
import type { Hearer, Line } from "./line.ts";
import { RemoteCut } from "./remote-cut.ts";
import type { ThreadSeat } from "./thread-seat.ts";
import type { ToMain, ToThread } from "./words.ts";

export interface MainDeskOptions {
  readonly egresses: ReadonlyMap<string, Egress>;
  /** As in PartitionHostOptions, all of these. */
  readonly onIncarnation?: ((incarnation: number) => Promise<void>) | undefined;
  readonly onOpened: (index: number) => void;
  readonly onCommit: (elapsedMs: number, writes: number) => void;
  readonly onCut?: ((partition: number, cut: Cut, snapshot: StoreSnapshot) => void) | undefined;
  readonly onPublished: (egress: string, elapsedMs: number, records: number) => void;
  readonly onEnded: (error: StatefoldError) => void;
  readonly logger: Logger;
}

/** One thread's part of it. */
export interface OwnPart {
  readonly line: () => Line<ToThread, ToMain>;
  readonly seat: (partition: number) => ThreadSeat;
  /** Of all threads. */
  readonly seats: () => readonly Seat[];
}

export function mainDesk(options: MainDeskOptions, own: OwnPart): Hearer<ToMain> {
  const { egresses, logger } = options;
  const calls = new Map<string, AbortController>();
  return {
    notes: {
      opened: ({ partition, life }) => {
        own.seat(partition).opened(life);
        options.onOpened(partition);
      },
      committed: ({ elapsedMs, writes }) => options.onCommit(elapsedMs, writes),
      cut: ({ partition, taken, cut }) => {
        options.onCut?.(partition, taken, new RemoteCut(own.line(), cut));
      },
      published: ({ egress, elapsedMs, records }) => {
        options.onPublished(egress, elapsedMs, records);
      },
      ended: ({ error }) => {
        const { code = "INTERNAL", text } = error;
        options.onEnded(new StatefoldError(code, text));
      },
      log: ({ level, fields, text }) => {
        if (level !== "silent") logger[level](fields, text);
      },
      abandon: ({ egress, call }) => calls.get(`${egress}/${call}`)?.abort(uncarried(NOBODY_WAITS)),
    },
    questions: {
      publish: async ({ call, egress: id, partition, first, records, barrier }) => {
        const egress = egresses.get(id);
        assert(egress !== undefined, `there is an egress ${id}`);
        const controller = new AbortController();
        const name = `${id}/${call}`;
        calls.set(name, controller);
        try {
          return await egress.publish(partition, first, records, controller.signal, barrier);
        } finally {
          calls.delete(name);
        }
      },
      incarnated: async ({ incarnation }) => {
        await options.onIncarnation?.(incarnation);
        return undefined;
      },
      nothingOlder: async ({ egress, incarnation }) => {
        const looks = own.seats().map((seat) => {
          // Nobody knows what one that is down holds.
          return seat.look("nothingOlder", { egress, incarnation }).catch(() => false);
        });
        return (await Promise.all(looks)).every((isSo) => isSo);
      },
    },
  };
}

const NOBODY_WAITS = { code: undefined, text: "nobody waits for this call any more" } as const;
