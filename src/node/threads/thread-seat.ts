/**
 * A partition that sits on another thread. What is asked goes over the thread's line, and is answered there; what may
 * not wait is read from the sheet of figures.
 *
 * Whether there is room for a request or a batch is decided where the partition is. Before the line there is a bound of
 * its own (I9): what was handed over and not taken. Beyond it requests are refused and sources wait.
 */
import { type Deferred, deferred } from "../../base/deferred.ts";
import { StatefoldError } from "../../base/errors.ts";
import type { SourceBatch } from "../../model/source.ts";
import type { EgressBacklog, FigureName } from "../figures.ts";
import { type Asker, type Question, Requests } from "../requests.ts";
import type { Notice, Phase, Seat } from "../seat.ts";
import type { ViewName, Views } from "../views.ts";
import type { FigureSheet } from "./figure-sheet.ts";
import type { Line } from "./line.ts";
import type { ToMain, ToThread } from "./words.ts";

export interface ThreadSeatOptions {
  readonly index: number;
  /** Of its thread, with others of it. */
  readonly line: Line<ToThread, ToMain>;
  readonly sheet: FigureSheet;
  /** Why the node takes nothing in, whatever room there is; undefined while it does. Default: it does. */
  readonly held?: (() => string | undefined) | undefined;
}

export class ThreadSeat implements Seat {
  readonly index: number;
  readonly #options: ThreadSeatOptions;
  readonly #requests = new Requests();
  /** Counts openings. */
  #life = 0;
  /** Resolved when there may be room again. */
  #room: Deferred<void> | undefined;
  #gone: StatefoldError | undefined;

  constructor(options: ThreadSeatOptions) {
    this.#options = options;
    this.index = options.index;
  }

  get phase(): Phase {
    return this.#gone === undefined ? this.#options.sheet.phase : "failed";
  }

  figure(name: FigureName): number {
    return this.#gone === undefined ? this.#options.sheet.figure(name) : 0;
  }

  backlog(egress: string): EgressBacklog {
    return this.#options.sheet.backlog(egress);
  }

  /** Requests that wait for an answer. */
  get waiting(): number {
    return this.#requests.size;
  }

  async open(): Promise<void> {
    await this.#options.line.ask("open", { partition: this.index });
  }

  notify(notice: Notice): void {
    this.#options.line.tell("notice", { partition: this.index, notice });
  }

  newRequest(): number {
    return this.#requests.next();
  }

  ask(question: Question, asker: Asker): void {
    if (this.#gone !== undefined) throw this.#gone;
    const barred = "target" in question ? this.#barred() : undefined;
    if (barred !== undefined) throw new StatefoldError("OVERLOADED", barred);
    this.#requests.add(question.request, asker);
    this.#options.line.ask("ask", { partition: this.index, question }).then(
      (release) => this.#requests.settle(release),
      (error: unknown) => this.#requests.fail(question.request, error),
    );
  }

  hangUp(request: number, keep: boolean): void {
    if (!this.#requests.has(request)) return;
    this.#options.line.tell("hangUp", { partition: this.index, request, keep });
    if (!keep) this.#requests.settle({ kind: "pending", request, callId: "" });
  }

  async take(batch: SourceBatch): Promise<void> {
    // Read for this life: by the time there is room it may be another's turn, which asks for other records.
    const life = this.#life;
    while (this.#gone === undefined && this.#barred() !== undefined) {
      this.#room ??= deferred<void>();
      await this.#room.promise;
    }
    await this.#options.line.ask("take", { partition: this.index, life, batch });
  }

  offerSources(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  async look<K extends ViewName>(view: K, ask: Views[K]["ask"]): Promise<Views[K]["answer"]> {
    const answer = await this.#options.line.ask("look", { partition: this.index, view, ask });
    return answer as Views[K]["answer"];
  }

  /** Does nothing: a thread ends with all of its partitions. */
  async stop(): Promise<void> {}

  /** It has opened, for the so-manieth time: sources are to ask where to go on. */
  opened(life: number): void {
    this.#life = life;
  }

  /** Its thread is no more. */
  gone(error: StatefoldError): void {
    this.#gone = error;
    this.#requests.failAll(error);
    this.offerSources();
  }

  /** Why nothing new is handed over. */
  #barred(): string | undefined {
    const { line, held } = this.#options;
    const reason = held?.();
    if (reason !== undefined || !line.isFull) return reason;
    return `partition ${this.index} has ${line.onItsWayBytes} bytes before it that its thread has not come to`;
  }
}
