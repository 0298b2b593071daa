/**
 * A partition as the rest of the node knows it, wherever it sits: on this thread (partition-host.ts) or on
 * another (thread/). Plain data goes in and comes out, so that all of it can be a message; what is asked at
 * any moment without waiting are the figures.
 */
import type { SourceBatch } from "../model/source.ts";
import type { Input } from "../partition/ports.ts";
import type { EgressBacklog, FigureName } from "./figures.ts";
import type { Asker, Question } from "./requests.ts";
import type { ViewName, Views } from "./views.ts";

export type Phase = "loading" | "running" | "failed" | "stopped";

/** What is told to a partition and not answered. */
export type Notice = Extract<Input, { readonly kind: "barrier" | "snapshotComplete" }>;

export interface Seat {
  readonly index: number;
  readonly phase: Phase;
  /** As of its last turn, or a little later; 0 while it is down. */
  figure(name: FigureName): number;
  backlog(egress: string): EgressBacklog;

  /** Once. */
  open(): Promise<void>;

  /** Dropped while the partition is down. */
  notify(notice: Notice): void;

  /** A number for a question, never given before. */
  newRequest(): number;

  /**
   * Asks; the answer comes when it is durable.
   *
   * @throws StatefoldError, or fails with it: OVERLOADED when nothing new for such a function is taken in at the
   *   moment; UNAVAILABLE when the partition is down. When it goes down first, done or not, nobody knows
   */
  ask(question: Question, asker: Asker): void;

  /**
   * The caller no longer waits. With `keep` it is answered all the same: `pending`, or the reply; without,
   * at once, and the reply is for nobody.
   */
  hangUp(request: number, keep: boolean): void;

  /** Hands a batch to the partition as soon as it has room. Rejects, UNAVAILABLE, when it is or goes down. */
  take(batch: SourceBatch): Promise<void>;

  /** There may be room again that the partition does not know of. */
  offerSources(): void;

  /**
   * Looks at it, and at what is durable.
   *
   * @throws StatefoldError UNAVAILABLE while the partition is down, or when it goes down meanwhile
   */
  look<K extends ViewName>(view: K, ask: Views[K]["ask"]): Promise<Views[K]["answer"]>;

  /** Ends now; what is durable stays. Idempotent. */
  stop(): Promise<void>;
}
