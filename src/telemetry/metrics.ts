import { assert } from "../base/assert.ts";

/**
 * A small registry of metrics and their text exposition (Prometheus format 0.0.4).
 *
 * A metric is declared once, as a constant, in the `metrics.ts` of the folder that feeds it. Whoever holds
 * the registry asks for it by that constant, as often as it likes, and gets the same metric each time.
 * A series (one combination of label values) is looked up once, with `labelled`, and then costs one addition.
 *
 * Labels never hold what users choose without limit (an id, a key). As a guard a metric has a bound on its
 * series (I9): what comes beyond it is counted together, with every label "other".
 */
export interface MetricDefinition<Label extends string = string> {
  /** Snake case, with the unit as its ending, `_total` after it for counters. */
  readonly name: string;
  /** "seconds", "bytes", or what is counted: "messages", "requests". */
  readonly unit: string;
  readonly description: string;
  readonly labels: readonly Label[];
}

export interface HistogramDefinition<Label extends string = string>
  extends MetricDefinition<Label> {
  /** Upper bounds, ascending; the last, infinite one goes without saying. */
  readonly buckets: readonly number[];
}

export type LabelValues<Label extends string> = Readonly<Record<Label, string>>;

/** Series of one metric at most. */
export const MAX_SERIES = 500;

/** From a tenth of a millisecond to half a minute: for durations of calls and commits. */
export const SECONDS_BUCKETS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30,
];

/** One thing that only grows. */
export class CounterSeries {
  #value = 0;
  #read: (() => number) | undefined;

  get value(): number {
    return this.#read === undefined ? this.#value : this.#read();
  }

  add(amount = 1): void {
    this.#value += amount;
  }

  /** For a total that something else keeps: from now on the value is what `read` says. */
  from(read: () => number): void {
    this.#read = read;
  }
}

/** One thing that goes up and down. */
export class GaugeSeries {
  #value = 0;
  #read: (() => number) | undefined;

  get value(): number {
    return this.#read === undefined ? this.#value : this.#read();
  }

  set(value: number): void {
    this.#value = value;
  }

  add(amount: number): void {
    this.#value += amount;
  }

  /** From now on the value is what `read` says whenever someone looks. The last call counts. */
  from(read: () => number): void {
    this.#read = read;
  }
}

/** How often, and how much in all, by size. */
export class HistogramSeries {
  readonly #bounds: readonly number[];
  /** One more than there are bounds: the last counts what exceeds them all. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let low = 0;
    let high = this.#bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= (this.#bounds[middle] ?? 0)) high = middle;
      else low = middle + 1;
    }
    this.counts[low] = (this.counts[low] ?? 0) + 1;
    this.sum += value;
  }
}

type Kind = "counter" | "gauge" | "histogram";

/** All series of one definition. */
export class Metric<Series, Label extends string = string> {
  readonly definition: MetricDefinition<Label>;
  readonly kind: Kind;
  readonly series = new Map<
    string,
    { readonly labels: readonly string[]; readonly series: Series }
  >();
  readonly #create: () => Series;

  constructor(kind: Kind, definition: MetricDefinition<Label>, create: () => Series) {
    this.kind = kind;
    this.definition = definition;
    this.#create = create;
    if (definition.labels.length === 0) this.#find([]);
  }

  /** The series of these label values. Keep it where it is fed often. */
  labelled(values: LabelValues<Label>): Series {
    return this.#find(this.definition.labels.map((label) => values[label]));
  }

  /** Ends a series whose subject is gone, so that it no longer shows. */
  forget(values: LabelValues<Label>): void {
    this.series.delete(this.definition.labels.map((label) => values[label]).join("\0"));
  }

  #find(labels: readonly string[]): Series {
    const key = labels.join("\0");
    const known = this.series.get(key);
    if (known !== undefined) return known.series;
    if (this.series.size >= MAX_SERIES && labels.some((value) => value !== "other")) {
      return this.#find(labels.map(() => "other"));
    }
    const series = this.#create();
    this.series.set(key, { labels, series });
    return series;
  }
}

export type Counter<Label extends string> = Metric<CounterSeries, Label>;
export type Gauge<Label extends string> = Metric<GaugeSeries, Label>;
export type Histogram<Label extends string> = Metric<HistogramSeries, Label>;

type AnyMetric = Metric<CounterSeries | GaugeSeries | HistogramSeries>;

export class MetricsRegistry {
  readonly #metrics = new Map<string, AnyMetric>();
  readonly #updates: (() => void)[] = [];

  counter<Label extends string>(definition: MetricDefinition<Label>): Counter<Label> {
    return this.#declare("counter", definition, () => new CounterSeries());
  }

  gauge<Label extends string>(definition: MetricDefinition<Label>): Gauge<Label> {
    return this.#declare("gauge", definition, () => new GaugeSeries());
  }

  histogram<Label extends string>(definition: HistogramDefinition<Label>): Histogram<Label> {
    const { buckets } = definition;
    return this.#declare("histogram", definition, () => new HistogramSeries(buckets));
  }

  /** What has been declared so far, for documentation. */
  definitions(): readonly MetricDefinition[] {
    return [...this.#metrics.values()].map((metric) => metric.definition);
  }

  /** For series that come and go: `update` is called whenever someone looks. */
  beforeRender(update: () => void): void {
    this.#updates.push(update);
  }

  /** Everything, as `text/plain; version=0.0.4; charset=utf-8`. */
  render(): string {
    for (const update of this.#updates) update();
    return [...this.#metrics.values()].map(renderMetric).join("");
  }

  #declare<Series extends CounterSeries | GaugeSeries | HistogramSeries, Label extends string>(
    kind: Kind,
    definition: MetricDefinition<Label>,
    create: () => Series,
  ): Metric<Series, Label> {
    const { name, labels } = definition;
    const known = this.#metrics.get(name);
    if (known === undefined) {
      assert(/^[a-z][a-z0-9_]*$/.test(name), `the metric name ${name} is not snake case`);
      assert(
        labels.every((label) => /^[a-z][a-z0-9_]*$/.test(label) && label !== "le"),
        `a label of ${name} is not snake case`,
      );
      assert(kind !== "counter" || name.endsWith("_total"), `the counter ${name} lacks _total`);
      const metric = new Metric<Series, Label>(kind, definition, create);
      this.#metrics.set(name, metric as unknown as AnyMetric);
      return metric;
    }
    assert(
      (known.definition as unknown) === definition && known.kind === kind,
      `the metric ${name} is declared twice`,
    );
    return known as unknown as Metric<Series, Label>;
  }
}

function renderMetric(metric: AnyMetric): string {
  const { name, description, labels: names } = metric.definition;
  const help = description.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${metric.kind}`];
  for (const { labels, series } of metric.series.values()) {
    const pairs = names.map((label, i) => `${label}="${escapeLabel(labels[i] ?? "")}"`);
    if (series instanceof HistogramSeries) {
      const { buckets } = metric.definition as HistogramDefinition;
      lines.push(...renderHistogram(name, pairs, buckets, series));
    } else {
      lines.push(`${name}${braces(pairs)} ${number(series.value)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function renderHistogram(
  name: string,
  pairs: readonly string[],
  buckets: readonly number[],
  series: HistogramSeries,
): string[] {
  let count = 0;
  const lines = series.counts.map((own, i) => {
    count += own;
    const bound = buckets[i];
    const le = `le="${bound === undefined ? "+Inf" : number(bound)}"`;
    return `${name}_bucket${braces([...pairs, le])} ${count}`;
  });
  lines.push(`${name}_sum${braces(pairs)} ${number(series.sum)}`);
  lines.push(`${name}_count${braces(pairs)} ${count}`);
  return lines;
}

function braces(pairs: readonly string[]): string {
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}
