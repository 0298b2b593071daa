/** One place on the terminal that is drawn again and again; elsewhere, a line every few seconds. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface View {
  /** The whole picture, for a terminal. */
  readonly lines: readonly string[];
  /** The same in one line. */
  readonly line: string;
}

const REDRAW_MS = 200;
const LINE_MS = 3_000;

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_LINE = "\u001b[2K";

export class Screen {
  readonly #output: Output;
  readonly #view: () => View;
  #timer: NodeJS.Timeout | undefined;
  #drawn = 0;

  constructor(output: Output, view: () => View) {
    this.#output = output;
    this.#view = view;
  }

  start(): void {
    const isTerminal = this.#output.isTTY === true;
    if (isTerminal) this.#output.write(HIDE_CURSOR);
    this.draw();
    this.#timer = setInterval(() => this.draw(), isTerminal ? REDRAW_MS : LINE_MS);
  }

  draw(): void {
    const { lines, line } = this.#view();
    if (this.#output.isTTY !== true) {
      this.#output.write(`${line}\n`);
      return;
    }
    const back = this.#drawn === 0 ? "" : `\u001b[${this.#drawn}A`;
    this.#output.write(back + lines.map((each) => `${CLEAR_LINE}${each}\n`).join(""));
    this.#drawn = lines.length;
  }

  /** Leaves the last picture where it is. Idempotent. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#output.isTTY !== true) return;
    this.draw();
    this.#output.write(SHOW_CURSOR);
  }
}

const COLORS = { red: 31, green: 32 } as const;

/** The text in a colour, where there are colours. */
export function paint(output: Output, color: keyof typeof COLORS, text: string): string {
  return output.isTTY === true ? `\u001b[1;${COLORS[color]}m${text}\u001b[0m` : text;
}

/** `████░░░░` */
export function bar(part: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, part)) * width);
  return "█".repeat(full) + "░".repeat(width - full);
}
