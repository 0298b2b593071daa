import { Chain, type Linked } from "./chain.ts";

/** What has a time until which it waits, while it is in {@link Deadlines}. */
export abstract class Deadline implements Linked<Deadline> {
  before: Deadline | undefined;
  after: Deadline | undefined;
  line: Line | undefined;
  untilMs = 0;

  /** Its time is over; it is in no line any more. */
  abstract late(): void;
}

/** Those that wait for the same span, the first to be late in front, and a timer for it. */
interface Line {
  readonly spanMs: number;
  readonly waiting: Chain<Deadline>;
  timer: NodeJS.Timeout | undefined;
}

/** Lines without anybody that are kept for the next; mostly all wait for the same span. */
const IDLE_LINES = 16;

/**
 * Times until which many wait, most of whom are done long before: one timer for all of the same span, instead of one
 * each. How many wait is their owner's bound.
 */
export class Deadlines {
  readonly #lines = new Map<number, Line>();

  /** It is told when `spanMs` are over, at the earliest, unless it is {@link delete}d. */
  add(deadline: Deadline, spanMs: number): void {
    const line = this.#lines.get(spanMs) ?? this.#newLine(spanMs);
    deadline.untilMs = performance.now() + spanMs;
    deadline.line = line;
    line.waiting.append(deadline);
    if (line.timer === undefined) this.#wait(line, spanMs);
    else if (line.waiting.first === deadline) line.timer.ref();
  }

  /** It is done. Does nothing where it is not in a line. */
  delete(deadline: Deadline): void {
    const { line } = deadline;
    if (line === undefined) return;
    line.waiting.remove(deadline);
    deadline.line = undefined;
    if (line.waiting.first !== undefined) return;
    // Its timer finds out, and holds up no process; that costs less than one for each who comes and goes alone.
    if (this.#lines.size > IDLE_LINES) this.#end(line);
    else line.timer?.unref();
  }

  #newLine(spanMs: number): Line {
    const line: Line = { spanMs, waiting: new Chain(), timer: undefined };
    this.#lines.set(spanMs, line);
    return line;
  }

  #wait(line: Line, forMs: number): void {
    line.timer = setTimeout(() => this.#look(line), forMs);
  }

  #look(line: Line): void {
    line.timer = undefined;
    const { waiting } = line;
    const nowMs = performance.now();
    let next = waiting.first;
    for (; next !== undefined && next.untilMs <= nowMs; next = waiting.first) {
      this.delete(next);
      next.late();
    }
    if (next === undefined) this.#end(line);
    else if (line.timer === undefined) this.#wait(line, Math.ceil(next.untilMs - nowMs));
  }

  #end(line: Line): void {
    clearTimeout(line.timer);
    line.timer = undefined;
    if (this.#lines.get(line.spanMs) === line) this.#lines.delete(line.spanMs);
  }
}
