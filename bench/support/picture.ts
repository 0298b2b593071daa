import type { JsonRow } from "./report.ts";

/*
 * Calls a second against their latency, as a drawing: a line for each who was called, a dot for each number of
 * connections. Both axes are logarithmic. It is readable on light and on dark paper.
 */
interface Dot {
  readonly connections: number;
  readonly perSecond: number;
  readonly p99Ms: number;
}

interface Line {
  readonly name: string;
  readonly dots: readonly Dot[];
}

const WIDTH = 860;
const HEIGHT = 480;
const PLOT = { left: 72, right: 640, top: 56, bottom: 420 };
/** For those that are told apart by colour, in this order; the project itself is first. */
const COLOURS = ["own", "own2", "one", "two", "three", "four"];
const OWN = /^statefold/;
const CHARS_HIGH = 14;

/** @param rows of the call benchmark, as JSON has them */
export function pictureOf(rows: readonly JsonRow[], machine: string): string {
  const lines = linesOf(rows);
  const all = lines.flatMap(({ dots }) => dots);
  const x = scaleOf(
    all.map(({ perSecond }) => perSecond),
    PLOT.left,
    PLOT.right,
  );
  const y = scaleOf(
    all.map(({ p99Ms }) => p99Ms),
    PLOT.bottom,
    PLOT.top,
  );
  const labels = spreadOf(lines.map(({ dots }) => y.at(dots.at(-1)?.p99Ms ?? 1)));
  const drawn = lines.map((line, at) => drawingOf(line, COLOURS[at] ?? "four", x.at, y.at));
  const legend = lines.map(({ name }, at) => {
    const colour = COLOURS[at] ?? "four";
    const text = `<text class="${colour} name" x="${PLOT.right + 22}" y="${labels[at]}">${escaped(name)}</text>`;
    return `  ${text}\n`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title desc">\n`,
    '  <title id="title">Calls a second against their latency</title>\n',
    `  <desc id="desc">${escaped(describe(lines))}</desc>\n`,
    STYLE,
    `  <rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="8"/>\n`,
    `  <text class="head" x="${PLOT.left}" y="28">HTTP call → counter → reply: calls a second, and their p99 latency</text>\n`,
    ...x.ticks.map((value) => {
      const at = round(x.at(value));
      return `  <path class="grid" d="M${at} ${PLOT.top}V${PLOT.bottom}"/><text class="note mid" x="${at}" y="${PLOT.bottom + 18}">${grouped(value)}</text>\n`;
    }),
    ...y.ticks.map((value) => {
      const at = round(y.at(value));
      return `  <path class="grid" d="M${PLOT.left} ${at}H${PLOT.right}"/><text class="note end" x="${PLOT.left - 8}" y="${at + 4}">${grouped(value)} ms</text>\n`;
    }),
    ...drawn,
    ...legend,
    `  <text class="note" x="${PLOT.left}" y="${HEIGHT - 16}">calls a second; a dot for each number of connections. ${escaped(machine)}</text>\n`,
    "</svg>\n",
  ].join("");
}

const CELLS = ["call", "connections", "calls/s", "p99 ms"];

function linesOf(rows: readonly JsonRow[]): Line[] {
  const lines = new Map<string, Dot[]>();
  for (const row of rows) {
    const [name = "", connections, perSecond = 0, p99Ms = 0] = CELLS.map((cell) => row[cell]);
    const dots = lines.get(String(name)) ?? [];
    lines.set(String(name), dots);
    const dot = {
      connections: Number(connections),
      perSecond: Number(perSecond),
      p99Ms: Number(p99Ms),
    };
    if (dot.perSecond > 0 && dot.p99Ms > 0) dots.push(dot);
  }
  const all = [...lines].map(([name, dots]) => ({ name, dots })).filter((o) => o.dots.length > 0);
  return [...all.filter(({ name }) => OWN.test(name)), ...all.filter((o) => !OWN.test(o.name))];
}

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

/** From a power of ten, or its double or fivefold, to another. */
function scaleOf(values: readonly number[], from: number, to: number): Scale {
  const steps: number[] = [];
  for (let power = -3; power < 8; power++) {
    steps.push(...[1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  }
  const [least, most] = values.length === 0 ? [1, 10] : [Math.min(...values), Math.max(...values)];
  const first = steps.findLast((step) => step <= least) ?? least;
  const last = steps.find((step) => step >= most && step > first) ?? most;
  const span = Math.log10(last / first);
  return {
    at: (value) => from + ((to - from) * Math.log10(value / first)) / span,
    ticks: steps.filter((step) => step >= first && step <= last),
  };
}

function drawingOf(
  { dots }: Line,
  colour: string,
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  const places = dots.map((dot) => `${round(x(dot.perSecond))} ${round(y(dot.p99Ms))}`);
  const circles = dots.map((dot) => {
    const [cx, cy] = [round(x(dot.perSecond)), round(y(dot.p99Ms))];
    return `  <circle class="${colour}" cx="${cx}" cy="${cy}" r="4"><title>${dot.connections} connections: ${grouped(dot.perSecond)} calls/s, p99 ${dot.p99Ms} ms</title></circle><text class="note" x="${cx + 7}" y="${cy - 6}">${dot.connections}</text>\n`;
  });
  return `  <path class="${colour} line" d="M${places.join("L")}"/>\n${circles.join("")}`;
}

/** Moves labels apart that would cover each other, the upper ones first. */
export function spreadOf(heights: readonly number[]): number[] {
  const order = heights.map((_, at) => at).sort((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0));
  const spread = [...heights];
  let free = PLOT.top;
  for (const at of order) {
    const height = round(Math.max(free, spread[at] ?? 0));
    spread[at] = height;
    free = height + CHARS_HIGH + 4;
  }
  return spread;
}

function describe(lines: readonly Line[]): string {
  const texts = lines.map(({ name, dots }) => {
    const points = dots.map(
      (dot) => `${grouped(dot.perSecond)} at ${dot.p99Ms} ms with ${dot.connections} connections`,
    );
    return `${name}: ${points.join(", ")}`;
  });
  return `Calls a second and the latency that one in a hundred exceeds. ${texts.join("; ")}.`;
}

function grouped(value: number): string {
  const [whole = "", part] = String(value).split(".");
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return part === undefined ? digits : `${digits}.${part}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

const STYLE = `  <style>
    text { font: 14px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
    .head { font-weight: 600; }
    .note { font-size: 11px; fill: #59636e; }
    .mid { text-anchor: middle; }
    .end { text-anchor: end; }
    .paper { fill: #ffffff; }
    .grid { stroke: #d1d9e0; stroke-width: 1; }
    .line { fill: none; stroke-width: 2; }
    .own { stroke: #0550ae; fill: #0550ae; } .own2 { stroke: #218bff; fill: #218bff; }
    .one { stroke: #57606a; fill: #57606a; } .two { stroke: #1a7f37; fill: #1a7f37; }
    .three { stroke: #9a6700; fill: #9a6700; } .four { stroke: #a40e26; fill: #a40e26; }
    .line { fill: none; }
    .name { stroke: none; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .note { fill: #9da7b3; }
      .paper { fill: #161b22; }
      .grid { stroke: #30363d; }
      .own { stroke: #79c0ff; fill: #79c0ff; } .own2 { stroke: #388bfd; fill: #388bfd; }
      .one { stroke: #9da7b3; fill: #9da7b3; } .two { stroke: #56d364; fill: #56d364; }
      .three { stroke: #e3b341; fill: #e3b341; } .four { stroke: #ff7b72; fill: #ff7b72; }
      .line { fill: none; }
      .name { stroke: none; }
    }
  </style>
`;
