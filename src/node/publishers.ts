/** The publishers of one life of a partition, one for each outbox that has something for an egress. */
import type { Random } from "../base/backoff.ts";
import type { StatefoldError } from "../base/errors.ts";
import type { Egress } from "../egress/contract.ts";
import type { AcknowledgedInput, Release } from "../partition/ports.ts";
import { egressDestination, heirDestination } from "../store/keys.ts";
import type { Logger } from "../telemetry/logger.ts";
import { Publisher } from "./publisher.ts";
import type { sleep } from "./sleep.ts";

export interface PublishersOptions {
  readonly partition: number;
  readonly egresses: ReadonlyMap<string, Egress>;
  readonly acknowledge: (input: AcknowledgedInput) => void;
  /** Whether records of an egress may leave whose numbers begin here. Default: they may. */
  readonly mayPublish: ((egress: string, first: number) => boolean) | undefined;
  readonly onFenced: (error: StatefoldError) => void;
  readonly onPublished: (egress: string, elapsedMs: number, records: number) => void;
  readonly logger: Logger;
  /** As in PublisherOptions. */
  readonly sleep?: typeof sleep;
  readonly random?: Random;
}

export class Publishers {
  readonly #options: PublishersOptions;
  /** By the destination of their outbox. */
  readonly #all = new Map<string, Publisher>();

  constructor(options: PublishersOptions) {
    this.#options = options;
  }

  add(release: Extract<Release, { readonly kind: "publish" }>): void {
    const { first, records, barrier } = release;
    this.#of(release.egress, release.heirOf)?.add(first, records, barrier);
  }

  /** What egresses say about their receivers, while those cannot be reached. */
  reasons(): ReadonlyMap<string, string> {
    const reasons = new Map<string, string>();
    for (const { egress, reason } of this.#all.values()) {
      if (reason !== undefined && !reasons.has(egress)) reasons.set(egress, reason);
    }
    return reasons;
  }

  /** What was being sent may have arrived: the next life sends it again, under the same numbers. */
  async stop(): Promise<void> {
    await Promise.all([...this.#all.values()].map((publisher) => publisher.stop()));
  }

  #of(id: string, heirOf: number | undefined): Publisher | undefined {
    const destination = heirOf === undefined ? egressDestination(id) : heirDestination(heirOf, id);
    const known = this.#all.get(destination);
    if (known !== undefined) return known;
    const { partition, egresses, mayPublish, logger, onPublished, ...rest } = this.#options;
    const egress = egresses.get(id);
    if (egress === undefined) {
      // Its egress has left the module: the records stay in the outbox until it is back.
      logger.error({ egress: id }, "Records wait for an egress that the module lacks.");
      return undefined;
    }
    const publisher = new Publisher({
      ...rest,
      ...{ egress, partition: heirOf ?? partition, destination, logger },
      mayPublish: (first) => mayPublish?.(id, first) !== false,
      onPublished: (elapsedMs, records) => onPublished(id, elapsedMs, records),
    });
    this.#all.set(destination, publisher);
    return publisher;
  }
}
