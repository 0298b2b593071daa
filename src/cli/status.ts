import type { Command, Context } from "./command.ts";
import { JSON_OPTION, URL_OPTION } from "./common-options.ts";
import { printable, size, span, table } from "./table.ts";

/** As `GET /v1/admin/status` gives it. */
interface Status {
  readonly version: string;
  readonly application: string;
  readonly dataDir?: string;
  readonly startedAtMs: number;
  readonly readiness: { readonly ready: boolean; readonly reason?: string };
  readonly partitions: readonly {
    readonly partition: number;
    readonly phase: string;
    readonly epoch: number;
    readonly finished: number;
    readonly pending: number;
    readonly pendingBytes: number;
    readonly uncounted: number;
    readonly inFlight: number;
    readonly timers: number;
    readonly outbox: number;
    readonly parked: number;
    readonly dead: number;
  }[];
  readonly endpoints: readonly {
    readonly functions: string;
    readonly target: string;
    readonly transport: string;
    readonly frames: boolean;
    readonly circuit: string;
    readonly inFlight: number;
    readonly reason?: string;
    readonly nextProbeAtMs?: number;
  }[];
  readonly ingresses: readonly {
    readonly id: string;
    readonly kind: string;
    readonly phase: string;
    readonly lag?: number;
    readonly reason?: string;
  }[];
  readonly egresses: readonly {
    readonly id: string;
    readonly kind: string;
    readonly pending: number;
    readonly held: number;
    readonly reason?: string;
    readonly publishMs?: number;
    readonly transactions?: { readonly committed: number; readonly aborted: number };
  }[];
  readonly lastSnapshot?: { readonly barrier: number; readonly atMs: number };
  readonly snapshotReason?: string;
}

export const statusCommand: Command = {
  name: "status",
  summary: "show on one screen what the node is doing",
  args: "",
  arity: [0, 0],
  details: "Exits with 1 when the node is not ready.",
  options: [JSON_OPTION, URL_OPTION],
  examples: ["statefold status", "watch statefold status", "statefold status --json"],
  run: status,
};

async function status(context: Context): Promise<number> {
  const found = await context.client.json<Status>("GET", "/v1/admin/status");
  const text = context.options.flag("json")
    ? `${JSON.stringify(found, null, 2)}\n`
    : screen(found, context.client.url);
  await context.io.out(text);
  return found.readiness.ready ? 0 : 1;
}

function screen(found: Status, url: string): string {
  const { readiness, partitions, endpoints, ingresses, egresses } = found;
  const ready = readiness.ready ? "ready" : `not ready: ${readiness.reason ?? "no reason given"}`;
  const where = found.dataDir ?? "in memory";
  const up = span(Date.now() - found.startedAtMs);
  return [
    `${printable(found.application)} at ${url}: ${printable(ready)}\n` +
      `statefold ${found.version}, up ${up}, data ${printable(where)}\n` +
      snapshotLines(found),
    partitionTable(partitions),
    endpoints.length === 0 ? "" : endpointTable(endpoints),
    ingresses.length === 0 ? "" : ingressTable(ingresses),
    egresses.length === 0 ? "" : egressTable(egresses),
    advice(found),
  ]
    .filter(Boolean)
    .join("\n");
}

function snapshotLines({ lastSnapshot, snapshotReason }: Status): string {
  const lines: string[] = [];
  if (lastSnapshot !== undefined) {
    const { barrier, atMs } = lastSnapshot;
    lines.push(`last snapshot ${barrier}, ${span(Date.now() - atMs)} ago`);
  }
  if (snapshotReason !== undefined) lines.push(printable(snapshotReason));
  return lines.map((line) => `${line}\n`).join("");
}

/** Of what waits: at least so much, while an opening has not counted it all. */
function sizeOf(partitions: Status["partitions"]): string {
  const bytes = partitions.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0);
  const isCounted = partitions.every(({ uncounted }) => uncounted === 0);
  return isCounted ? size(bytes) : `>${size(bytes)}`;
}

function partitionTable(partitions: Status["partitions"]): string {
  const rows = partitions.map((each) => [
    ...[each.partition, each.phase, each.finished, each.pending, sizeOf([each])],
    ...[each.inFlight, each.timers, each.outbox, each.parked, each.dead],
  ]);
  if (partitions.length > 1) {
    const sum = (of: (each: Status["partitions"][number]) => number) =>
      partitions.reduce((total, each) => total + of(each), 0);
    rows.push([
      ...["all", "", sum((p) => p.finished), sum((p) => p.pending), sizeOf(partitions)],
      ...[sum((p) => p.inFlight), sum((p) => p.timers), sum((p) => p.outbox)],
      ...[sum((p) => p.parked), sum((p) => p.dead)],
    ]);
  }
  return table(
    [
      ...["PARTITION", "PHASE", "DONE", "WAITING", "SIZE"],
      ...["IN FLIGHT", "TIMERS", "OUTBOX", "PARKED", "DEAD"],
    ],
    rows,
  );
}

function endpointTable(endpoints: Status["endpoints"]): string {
  return table(
    ["FUNCTIONS", "ENDPOINT", "CALLED", "CIRCUIT", "IN FLIGHT", ""],
    endpoints.map(({ functions, target, transport, frames, circuit, ...more }) => {
      const { inFlight, reason, nextProbeAtMs } = more;
      const called = transport === "embedded" ? "here" : frames ? "by frames" : "one by one";
      const probe =
        nextProbeAtMs === undefined ? "" : `, next try in ${span(nextProbeAtMs - Date.now())}`;
      const trouble = reason === undefined ? "" : reason + probe;
      return [functions, target, called, circuit, inFlight, trouble];
    }),
  );
}

function ingressTable(ingresses: Status["ingresses"]): string {
  return table(
    ["INGRESS", "KIND", "PHASE", "LAG", ""],
    ingresses.map(({ id, kind, phase, lag, reason }) => [
      id,
      kind,
      phase,
      lag ?? "?",
      reason ?? "",
    ]),
  );
}

function egressTable(egresses: Status["egresses"]): string {
  return table(
    ["EGRESS", "KIND", "WAITING", "HELD", "TAKES", "TRANSACTIONS", "ABORTED", ""],
    egresses.map(({ id, kind, pending, held, reason, publishMs, transactions }) => [
      ...[id, kind, pending, held, publishMs === undefined ? "" : `${publishMs.toFixed(1)} ms`],
      ...[transactions?.committed ?? "", transactions?.aborted ?? "", reason ?? ""],
    ]),
  );
}

function advice({ partitions, endpoints }: Status): string {
  const lines = [
    ...(endpoints.some(({ circuit }) => circuit !== "closed")
      ? ["an endpoint is down: once it is repaired, its messages go on by themselves"]
      : []),
    ...(partitions.some(({ parked }) => parked > 0)
      ? [`addresses wait for a person: "statefold parked list"`]
      : []),
    ...(partitions.some(({ dead }) => dead > 0)
      ? [`something was given up: "statefold dead list"`]
      : []),
  ];
  return `${lines.length === 0 ? "nothing waits for a person" : lines.join("\n")}\n`;
}
