/** How the node stands, as one screen and in parts; and whether it is alive and ready. */

import { describeError, type StatefoldError } from "../base/errors.ts";
import type { Egress as RunningEgress } from "../egress/contract.ts";
import type {
  EgressStatus,
  EndpointStatus,
  IngressStatus,
  NodeStatus,
  PartitionStatus,
} from "../gateway/admin-port.ts";
import type { Health, Readiness } from "../gateway/ports.ts";
import type { Ingress as RunningIngress } from "../ingress/contract.ts";
import type { MetricsRegistry } from "../telemetry/metrics.ts";
import { version } from "../telemetry/version.ts";
import type { EgressFigures } from "./egress-figures.ts";
import type { NamedEndpoint } from "./functions.ts";
import type { Partitions } from "./partitions.ts";
import type { Seat } from "./seat.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Condition } from "./views.ts";
import type { Stuck, Watched } from "./watch.ts";

export interface NodeReportParts {
  readonly application: string;
  readonly dataDir: string | undefined;
  readonly partitions: Partitions;
  readonly endpoints: readonly NamedEndpoint[];
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
    const down = this.#parts.partitions.seats.filter(({ phase }) => phase !== "running");
    if (down.length === 0) return { ready: true };
    const names = down.map(({ index }) => index).join(", ");
    return { ready: false, reason: `not open: partition ${names}` };
  }

  metrics(): string {
    return this.#parts.metrics.render();
  }

  async status(): Promise<NodeStatus> {
    const { application, dataDir } = this.#parts;
    const conditions = await this.#conditions();
    return {
      ...{ version: version(), application, dataDir, startedAtMs: this.#startedAtMs },
      readiness: this.ready(),
      partitions: this.partitions(),
      endpoints: this.#endpoints(conditions),
      ingresses: this.#ingresses(),
      egresses: this.#egresses(conditions),
      lastSnapshot: this.#parts.snapshots?.last,
      snapshotReason: this.#parts.snapshots?.reason,
    };
  }

  partitions(): PartitionStatus[] {
    return this.#parts.partitions.seats.map(partitionStatus);
  }

  async endpoints(): Promise<EndpointStatus[]> {
    return this.#endpoints(await this.#conditions());
  }

  #endpoints(conditions: readonly (Condition | undefined)[]): EndpointStatus[] {
    const all = conditions.flatMap((condition) => condition?.lanes ?? []);
    const onFrames = new Set(conditions.flatMap((condition) => condition?.onFrames ?? []));
    return this.#parts.endpoints.map(({ name, endpoint }) => {
      const lanes = all.filter((lane) => lane.endpoint === name);
      const states = lanes.map(({ circuit }) => circuit);
      const worst =
        states.find(({ kind }) => kind === "open") ?? states.find(({ kind }) => kind === "probing");
      const isHttp = endpoint.kind === "http";
      return {
        ...{ name, functions: isHttp ? name : "embedded" },
        // Without the query, which may hold a key.
        target: isHttp ? (endpoint.urlPathTemplate.split("?", 1)[0] ?? "") : endpoint.module,
        transport: isHttp ? endpoint.transport.type : "embedded",
        frames: onFrames.has(name),
        circuit: worst?.kind ?? "closed",
        inFlight: lanes.reduce((sum, { running }) => sum + running, 0),
        reason: worst === undefined || worst.kind === "closed" ? undefined : worst.reason,
        nextProbeAtMs: worst?.kind === "open" ? worst.untilMs : undefined,
      };
    });
  }

  async stuck(): Promise<Stuck[]> {
    const { seats } = this.#parts.partitions;
    const conditions = await this.#conditions();
    return conditions.flatMap((condition, index) => {
      const seat = seats[index];
      if (condition === undefined || seat === undefined) return [];
      const { latestParked: latest } = condition;
      return [
        { partition: index, parked: seat.figure("parked"), latest, dead: seat.figure("dead") },
      ];
    });
  }

  /** Of every partition; undefined: it is down. */
  async #conditions(): Promise<readonly (Condition | undefined)[]> {
    const { seats } = this.#parts.partitions;
    return await Promise.all(
      seats.map((seat) => seat.look("condition", {}).catch(() => undefined)),
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

  #egresses(conditions: readonly (Condition | undefined)[]): EgressStatus[] {
    const { egresses, partitions, figures } = this.#parts;
    return egresses.map(({ kind, egress }) => {
      const { id } = egress;
      let [pending, held] = [0, 0];
      for (const seat of partitions.seats) {
        const backlog = seat.backlog(id);
        pending += backlog.pending;
        held += backlog.held;
      }
      const reasons = conditions.map((condition) => condition?.egressReasons.get(id));
      const reason = reasons.find((each) => each !== undefined);
      const publishMs = figures.publishMs(id);
      const transactions = figures.transactions(id);
      return { id, kind, pending, held, reason, publishMs, transactions };
    });
  }
}

function partitionStatus(seat: Seat): PartitionStatus {
  const { index: partition, phase } = seat;
  return {
    ...{ partition, phase, epoch: seat.figure("epochs") },
    ...{ accepted: seat.figure("accepted"), finished: seat.figure("finished") },
    ...{ pending: seat.figure("mail"), pendingBytes: seat.figure("mailBytes") },
    uncounted: seat.figure("uncounted"),
    ...{ inFlight: seat.figure("inFlight"), timers: seat.figure("timers") },
    ...{ outbox: seat.figure("outbox"), parked: seat.figure("parked"), dead: seat.figure("dead") },
  };
}
