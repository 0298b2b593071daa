/** A node that runs, and its two endings: `drain` finishes what was accepted, `stop` ends now. */
import type { Deferred } from "../base/deferred.ts";
import type { StatefoldError } from "../base/errors.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { Ingress } from "../ingress/contract.ts";
import type { Closing } from "./closing.ts";
import type { NodeMessages } from "./messages.ts";
import type { Listening, RunningNode } from "./options.ts";
import type { Partitions } from "./partitions.ts";
import { quiet } from "./quiet.ts";
import type { NodeReport } from "./report.ts";
import type { Snapshots } from "./snapshots.ts";

export interface ComposedNodeParts {
  readonly listening: readonly Listening[];
  readonly ended: Deferred<StatefoldError | undefined>;
  readonly report: NodeReport;
  readonly messages: NodeMessages;
  readonly gateway: Gateway;
  readonly ingresses: readonly Ingress[];
  readonly partitions: Partitions;
  readonly snapshots: Snapshots | undefined;
  /** Everything that was opened. */
  readonly closing: Closing;
}

export class ComposedNode implements RunningNode {
  readonly #parts: ComposedNodeParts;

  constructor(parts: ComposedNodeParts) {
    this.#parts = parts;
  }

  get listening(): readonly Listening[] {
    return this.#parts.listening;
  }

  get ended(): Promise<StatefoldError | undefined> {
    return this.#parts.ended.promise;
  }

  async stop(): Promise<void> {
    const { report, messages, closing, ended } = this.#parts;
    if (report.phase.kind !== "failed") report.phase = { kind: "stopped" };
    messages.close();
    try {
      await closing.close();
    } finally {
      ended.resolve(undefined);
    }
  }

  async drain(graceMs: number): Promise<void> {
    const { report, messages, gateway, ingresses, partitions, snapshots } = this.#parts;
    const untilMs = performance.now() + graceMs;
    if (report.phase.kind === "running") report.phase = { kind: "draining" };
    messages.close();
    await Promise.all([gateway.drain(graceMs), ...ingresses.map((ingress) => ingress.stop())]);
    await quiet(partitions, untilMs);
    await snapshots?.takeLast(untilMs - performance.now());
    // What waited for it leaves, and is published before the brokers are let go.
    await quiet(partitions, untilMs);
    await this.stop();
  }
}
