/** How long egresses take, call by call: for metrics, and for people who look. */
import type { TransactionCounts } from "../egress/contract.ts";
import {
  type HistogramDefinition,
  type MetricDefinition,
  type MetricsRegistry,
  SECONDS_BUCKETS,
} from "../telemetry/metrics.ts";
import type { Partitions } from "./partitions.ts";
import type { OpenedEgress } from "./ways-out.ts";

const PUBLISH_SECONDS: HistogramDefinition<"egress"> = {
  name: "statefold_egress_publish_seconds",
  unit: "seconds",
  description: "From a call to an egress until its records are durably published.",
  labels: ["egress"],
  buckets: SECONDS_BUCKETS,
};

const RECORDS: MetricDefinition<"egress"> = {
  name: "statefold_egress_records_total",
  unit: "records",
  description: "Records that egresses have taken, refused ones included.",
  labels: ["egress"],
};

const TRANSACTIONS: MetricDefinition<"egress" | "outcome"> = {
  name: "statefold_kafka_transactions_total",
  unit: "transactions",
  description: "Kafka transactions by their end; aborted, or without an answer, is one outcome.",
  labels: ["egress", "outcome"],
};

const HELD: MetricDefinition<"egress"> = {
  name: "statefold_egress_held_records",
  unit: "records",
  description: "Records that wait until a complete snapshot covers them (release: snapshot).",
  labels: ["egress"],
};

/** Of the last calls the newest counts so much. */
const NEWEST = 0.1;

export class EgressFigures {
  readonly #registry: MetricsRegistry;
  readonly #publishMs = new Map<string, number>();
  readonly #transactions = new Map<string, () => TransactionCounts>();

  /** @param transactions how those of an egress have ended so far */
  constructor(
    registry: MetricsRegistry,
    egresses: readonly OpenedEgress[],
    transactions: (egress: string) => TransactionCounts,
  ) {
    this.#registry = registry;
    for (const { egress } of egresses) {
      if (egress.transactions === undefined) continue;
      const { id } = egress;
      this.#transactions.set(id, () => transactions(id));
      for (const outcome of ["committed", "aborted"] as const) {
        const series = registry.counter(TRANSACTIONS).labelled({ egress: id, outcome });
        series.from(() => transactions(id)[outcome]);
      }
    }
  }

  /** How its transactions have ended; undefined: it has none. */
  transactions(egress: string): Readonly<TransactionCounts> | undefined {
    const counts = this.#transactions.get(egress)?.();
    return counts === undefined ? undefined : { ...counts };
  }

  /** Of those whose records wait for snapshots. */
  declareHeld(egresses: readonly OpenedEgress[], { seats }: Pick<Partitions, "seats">): void {
    for (const { egress, release } of egresses) {
      if (release !== "snapshot") continue;
      const { id } = egress;
      const series = this.#registry.gauge(HELD).labelled({ egress: id });
      series.from(() => seats.reduce((sum, seat) => sum + seat.backlog(id).held, 0));
    }
  }

  published(egress: string, elapsedMs: number, records: number): void {
    this.#registry
      .histogram(PUBLISH_SECONDS)
      .labelled({ egress })
      .observe(elapsedMs / 1000);
    this.#registry.counter(RECORDS).labelled({ egress }).add(records);
    const known = this.#publishMs.get(egress) ?? elapsedMs;
    this.#publishMs.set(egress, known + NEWEST * (elapsedMs - known));
  }

  /** About what a call took of late; undefined before the first. */
  publishMs(egress: string): number | undefined {
    return this.#publishMs.get(egress);
  }
}
