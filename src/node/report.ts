/** How the node stands, as one screen and in parts; and whether it is alive and ready. */

import { describeError, type StatefoldError } from "../base/errors.ts";
import type { Egress as RunningEgress } from "../egress/contract.ts";
import { KafkaEgress } from "../egress/kafka.ts";
import type {
  EgressStatus,
  EndpointStatus,
  IngressStatus,
  NodeStatus,
  PartitionStatus,
} from "../gateway/admin-port.ts";
import type { Health, Readiness } from "../gateway/ports.ts";
import type { Ingress as RunningIngress } from "../ingress/contract.ts";
import type { Lane } from "../partition/lane.ts";
import type { MetricsRegistry } from "../telemetry/metrics.ts";
import { version } from "../telemetry/version.ts";
import type { EgressFigures } from "./egress-figures.ts";
import type { Functions } from "./functions.ts";
import type { PartitionHost } from "./partition-host.ts";
import type { Partitions } from "./partitions.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Stuck, Watched } from "./watch.ts";

export interface NodeReportParts {
  readonly application: string;
  readonly dataDir: string | undefined;
  readonly partitions: Partitions;
  readonly functions: Functions;
  readonly ingresses: readonly { readonly kind: string; readonly ingress: RunningIngress }[];
  readonly egresses: readonly { readonly kind: string; readonly egress: RunningEgress }[];
  readonly figures: EgressFigures;
  readonly metrics: MetricsRegistry;
  /** Undefined: none are kept. */
  readonly snapshots?: Pick<Snapshots, "last" | "reason"> | undefined;
}

export type NodePhase =
  | { readonly kind: "starting" | "running" | "draining" | "stopped" }
  | { readonly kind: "failed"; readonly error: StatefoldError };

export class NodeReport implements Health, Watched {
  phase: NodePhase = { kind: "starting" };
  readonly #parts: NodeReportParts;
  readonly #startedAtMs = Date.now();

  constructor(parts: NodeReportParts) {
    this.#parts = parts;
  }

  live(): boolean {
    return this.phase.kind !== "failed";
  }

  ready(): Readiness {
    if (this.phase.kind === "failed")
      return { ready: false, reason: describeError(this.phase.error) };
    if (this.phase.kind !== "running")
      return { ready: false, reason: `the node is ${this.phase.kind}` };
    const down = this.#parts.partitions.hosts.filter((host) => host.partition === undefined);
    if (down.length === 0) return { ready: true };
    const names = down.map((host) => host.index).join(", ");
    return { ready: false, reason: `not open: partition ${names}` };
  }

  metrics(): string {
    return this.#parts.metrics.render();
  }

  status(): NodeStatus {
    const { application, dataDir } = this.#parts;
    return {
      ...{ version: version(), application, dataDir, startedAtMs: this.#startedAtMs },
      readiness: this.ready(),
      partitions: this.partitions(),
      endpoints: this.endpoints(),
      ingresses: this.#ingresses(),
      egresses: this.#egresses(),
      lastSnapshot: this.#parts.snapshots?.last,
      snapshotReason: this.#parts.snapshots?.reason,
    };
  }

  partitions(): PartitionStatus[] {
    return this.#parts.partitions.hosts.map(partitionStatus);
  }

  endpoints(): EndpointStatus[] {
    return this.#parts.functions.endpoints.map(({ name, endpoint }) => {
      const lanes = this.#lanesOf(name);
      const states = lanes.map(({ circuit }) => circuit.state);
      const worst =
        states.find(({ kind }) => kind === "open") ?? states.find(({ kind }) => kind === "probing");
      const isHttp = endpoint.kind === "http";
      return {
        ...{ name, functions: isHttp ? name : "embedded" },
        // Without the query, which may hold a key.
        target: isHttp ? (endpoint.urlPathTemplate.split("?", 1)[0] ?? "") : endpoint.module,
        transport: isHttp ? endpoint.transport.type : "embedded",
        circuit: worst?.kind ?? "closed",
        inFlight: lanes.reduce((sum, { running }) => sum + running, 0),
        reason: worst === undefined || worst.kind === "closed" ? undefined : worst.reason,
        nextProbeAtMs: worst?.kind === "open" ? worst.untilMs : undefined,
      };
    });
  }

  *stuck(): Iterable<Stuck> {
    for (const { index, partition } of this.#parts.partitions.hosts) {
      if (partition === undefined) continue;
      const { parking, ledger } = partition;
      const { size: parked, latest } = parking;
      yield { partition: index, parked, latest, dead: ledger.dead };
    }
  }

  /** Those of its function types, in every partition. */
  #lanesOf(endpoint: string): Lane[] {
    return this.#parts.partitions.hosts.flatMap(({ partition }) =>
      [...(partition?.delivery.lanes() ?? [])].filter((lane) => lane.binding.endpoint === endpoint),
    );
  }

  #ingresses(): IngressStatus[] {
    return this.#parts.ingresses.map(({ kind, ingress }) => {
      const sources = ingress.sources();
      const stopped = sources.find((source) => source.stopped !== undefined)?.stopped;
      const lags = sources.map((source) => source.lag);
      const lag = lags.some((each) => each === undefined)
        ? undefined
        : lags.reduce<number>((sum, each) => sum + (each ?? 0), 0);
      const phase = stopped === undefined ? "running" : "failed";
      const waiting = sources.find((source) => source.waiting !== undefined)?.waiting;
      const reason = stopped === undefined ? waiting : describeError(stopped);
      return { id: ingress.id, kind, phase, lag, reason };
    });
  }

  #egresses(): EgressStatus[] {
    return this.#parts.egresses.map(({ kind, egress }) => {
      const { id } = egress;
      let [pending, held] = [0, 0];
      let reason: string | undefined;
      for (const host of this.#parts.partitions.hosts) {
        for (const outbox of host.partition?.outboxes.ofEgress(id) ?? []) {
          pending += outbox.size;
          held += outbox.held;
        }
        reason ??= host.publisherReason(id);
      }
      const publishMs = this.#parts.figures.publishMs(id);
      const transactions =
        egress instanceof KafkaEgress && egress.isTransactional
          ? { ...egress.transactions }
          : undefined;
      return { id, kind, pending, held, reason, publishMs, transactions };
    });
  }
}

function partitionStatus(host: PartitionHost): PartitionStatus {
  const { partition, index, life } = host;
  const phases = {
    running: "running",
    failed: "failed",
    closed: "loading",
    stopped: "stopped",
  } as const;
  return {
    partition: index,
    phase: phases[life.kind],
    epoch: partition?.epochs.committed ?? 0,
    accepted: partition?.ledger.accepted ?? 0,
    finished: partition?.ledger.finished ?? 0,
    pending: partition?.ledger.mail ?? 0,
    pendingBytes: partition?.mailboxes.bytes ?? 0,
    inFlight: partition?.delivery.inFlight ?? 0,
    timers: partition?.ledger.timers ?? 0,
    outbox: partition?.ledger.outbox ?? 0,
    parked: partition?.parking.size ?? 0,
    dead: partition?.ledger.dead ?? 0,
  };
}
