import type { TestContext } from "node:test";
import { StatefoldError } from "../../src/base/errors.ts";
import type {
  Admin,
  NewTarget,
  NodeStatus,
  Page,
  PageQuery,
  StuckQuery,
} from "../../src/gateway/admin-port.ts";
import { Gateway } from "../../src/gateway/gateway.ts";
import type { GatewayLimits } from "../../src/gateway/limits.ts";
import type {
  Caller,
  CallRequest,
  CallResult,
  FollowRange,
  Health,
  Messages,
  NewRecord,
  Readiness,
  ReadRange,
  RecordPlace,
  SendRequest,
  TopicInfo,
  TopicRecord,
  Topics,
} from "../../src/gateway/ports.ts";
import { addressKey } from "../../src/model/address.ts";
import type { TypedValue } from "../../src/model/typed-value.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { MetricsRegistry } from "../../src/telemetry/metrics.ts";

/** Answers a call with its own value, unless told otherwise. */
export class FakeMessages implements Messages {
  readonly sent: SendRequest[] = [];
  readonly called: CallRequest[] = [];
  readonly fetched: string[] = [];
  answer: (request: CallRequest) => Promise<CallResult> = ({ value }) =>
    Promise.resolve({ kind: "reply", value, messageId: "m-1" });
  stored: CallResult = { kind: "unknown" };
  refusal: Error | undefined;

  async send(request: SendRequest): Promise<{ messageId: string }> {
    if (this.refusal !== undefined) throw this.refusal;
    this.sent.push(request);
    return await Promise.resolve({ messageId: `m-${this.sent.length}` });
  }

  call(request: CallRequest): void {
    if (this.refusal !== undefined) throw this.refusal;
    this.called.push(request);
    const { caller } = request;
    this.answer(request).then(
      (result) => caller.answered(result),
      (error: unknown) => caller.failed(error),
    );
  }

  fetchCall(callId: string, _timeoutMs: number, caller: Caller): void {
    this.fetched.push(callId);
    caller.answered(this.stored);
  }
}

/** Topics of one partition each, unless written to others. */
export class FakeTopics implements Topics {
  readonly topics = new Map<string, TopicRecord[][]>();
  readonly #waiting = new Set<() => void>();

  list(): Promise<readonly TopicInfo[]> {
    return Promise.resolve(
      [...this.topics].map(([name, partitions]) => ({
        name,
        partitions: partitions.map((records, partition) => ({
          partition,
          beginOffset: 0,
          endOffset: records.length,
          bytes: records.reduce((sum, record) => sum + (record.value?.byteLength ?? 0), 0),
        })),
      })),
    );
  }

  write(topic: string, records: readonly NewRecord[]): Promise<readonly RecordPlace[]> {
    const partitions = this.topics.get(topic) ?? [];
    this.topics.set(topic, partitions);
    const places = records.map((record) => {
      const partition = record.partition ?? 0;
      while (partitions.length <= partition) partitions.push([]);
      const written = partitions[partition] ?? [];
      const place = { partition, offset: written.length };
      written.push({ ...record, ...place, timestampMs: record.timestampMs ?? 1000 });
      return place;
    });
    for (const wake of this.#waiting) wake();
    return Promise.resolve(places);
  }

  read(topic: string, range: ReadRange): Promise<readonly TopicRecord[]> {
    const records = this.#records(topic)[range.partition] ?? [];
    const from =
      range.from === "earliest" ? 0 : range.from === "latest" ? records.length : range.from;
    return Promise.resolve(records.slice(from, from + range.maxRecords));
  }

  follow(
    topic: string,
    range: FollowRange,
    signal: AbortSignal,
  ): Promise<AsyncIterable<TopicRecord>> {
    const records = this.#records(topic)[range.partition ?? 0] ?? [];
    return Promise.resolve(this.#iterate(records, range.from, signal));
  }

  async *#iterate(records: readonly TopicRecord[], from: FollowRange["from"], signal: AbortSignal) {
    let next = from === "earliest" ? 0 : from === "latest" ? records.length : from;
    while (!signal.aborted) {
      const record = records[next];
      if (record === undefined) await this.#more(signal);
      else {
        next++;
        yield record;
      }
    }
  }

  async #more(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  #records(topic: string): TopicRecord[][] {
    const partitions = this.topics.get(topic);
    if (partitions === undefined) {
      throw new StatefoldError("TOPIC_UNKNOWN", `there is no topic ${topic}`);
    }
    return partitions;
  }
}

type Items<K extends "addresses" | "timers" | "parked" | "dead"> = Awaited<
  ReturnType<Admin[K]>
>["items"][number];

/** Shows what a test puts into it, in pages. Actions are recorded in `done`. */
export class FakeAdmin implements Admin {
  statusValue: NodeStatus = {
    version: "0.1.0",
    application: "demo",
    dataDir: undefined,
    startedAtMs: 0,
    readiness: { ready: true },
    partitions: [],
    endpoints: [],
    ingresses: [],
    egresses: [],
    lastSnapshot: undefined,
    snapshotReason: undefined,
  };
  addressItems: Items<"addresses">[] = [];
  timerItems: Items<"timers">[] = [];
  parkedItems: Items<"parked">[] = [];
  deadItems: Items<"dead">[] = [];
  readonly states = new Map<string, readonly [string, TypedValue][]>();
  readonly done: string[] = [];
  /** Or why there is none. */
  snapshot: Awaited<ReturnType<Admin["snapshotNow"]>> | StatefoldError = {
    ...{ name: "000000000007-2", barrier: 7, takenAtMs: 5, writtenBytes: 10, elapsedMs: 12 },
  };
  /** What the lists of stuck work were asked for. */
  readonly asked: StuckQuery[] = [];

  status() {
    return Promise.resolve(this.statusValue);
  }

  partitions() {
    return Promise.resolve(this.statusValue.partitions);
  }

  endpoints() {
    return Promise.resolve(this.statusValue.endpoints);
  }

  addresses(query: Parameters<Admin["addresses"]>[0]) {
    return Promise.resolve(
      paged(
        this.addressItems.filter(
          (each) => query.type === undefined || each.address.type === query.type,
        ),
        query,
      ),
    );
  }

  address(address: Parameters<Admin["address"]>[0]) {
    const states = this.states.get(addressKey(address));
    if (states === undefined) return Promise.resolve(undefined);
    return Promise.resolve({
      address,
      stateBytes: 1,
      pending: 0,
      parked: false,
      states: states.map(([name, value]) => ({ name, value, expiresAtMs: undefined })),
    });
  }

  timers(query: PageQuery) {
    return Promise.resolve(paged(this.timerItems, query));
  }

  parked(query: StuckQuery) {
    this.asked.push(query);
    const { type } = query;
    const meant = this.parkedItems.filter(({ address }) =>
      [undefined, address.type].includes(type),
    );
    return Promise.resolve(paged(meant, query));
  }

  parkedDetail(address: Parameters<Admin["parkedDetail"]>[0]) {
    const found = this.#parked(address);
    return Promise.resolve(found === undefined ? undefined : { ...found, messages: [] });
  }

  parkedRetry(address: Parameters<Admin["parkedRetry"]>[0]) {
    const found = this.#parked(address);
    if (found !== undefined) this.done.push(`retry ${addressKey(address)}`);
    return Promise.resolve(found !== undefined);
  }

  parkedSkip(address: Parameters<Admin["parkedSkip"]>[0]) {
    const found = this.#parked(address);
    if (found !== undefined) this.done.push(`skip ${addressKey(address)}`);
    return Promise.resolve(found === undefined ? undefined : { messageId: "m-9" });
  }

  parkedPurge(address: Parameters<Admin["parkedPurge"]>[0]) {
    const found = this.#parked(address);
    if (found !== undefined) this.done.push(`purge ${addressKey(address)}`);
    return Promise.resolve(found?.pending);
  }

  dead(query: StuckQuery) {
    this.asked.push(query);
    const { code } = query;
    const meant = this.deadItems.filter((each) => [undefined, each.code].includes(code));
    return Promise.resolve(paged([...meant], query));
  }

  deadDetail(id: string) {
    const found = this.deadItems.find((each) => each.id === id);
    const value = { typename: "demo/x", hasValue: true, value: Buffer.from('{"a":1}') };
    return Promise.resolve(
      found === undefined ? undefined : { ...found, value, message: undefined },
    );
  }

  async snapshotNow() {
    this.done.push("snapshot");
    if (this.snapshot instanceof StatefoldError) throw this.snapshot;
    return this.snapshot;
  }

  deadRetry(id: string, to?: NewTarget) {
    const where = to === undefined ? "" : ` to ${to.type} ${to.id ?? "as it was"}`;
    return this.#take("retry", id, where);
  }

  deadPurge(id: string) {
    return this.#take("purge", id);
  }

  #parked(address: Parameters<Admin["parkedDetail"]>[0]) {
    return this.parkedItems.find((each) => addressKey(each.address) === addressKey(address));
  }

  #take(what: string, id: string, where = ""): Promise<boolean> {
    const at = this.deadItems.findIndex((each) => each.id === id);
    if (at >= 0) {
      this.deadItems.splice(at, 1);
      this.done.push(`${what} ${id}${where}`);
    }
    return Promise.resolve(at >= 0);
  }
}

function paged<T>(items: readonly T[], query: PageQuery): Page<T> {
  const from = Number(query.after ?? 0);
  const end = from + query.limit;
  return { items: items.slice(from, end), next: end < items.length ? String(end) : undefined };
}

export class FakeHealth implements Health {
  isLive = true;
  readiness: Readiness = { ready: true };
  readonly registry = new MetricsRegistry();

  live(): boolean {
    return this.isLive;
  }

  ready(): Readiness {
    return this.readiness;
  }

  metrics(): string {
    return this.registry.render();
  }
}

export interface FakeNode {
  readonly url: string;
  readonly port: number;
  readonly gateway: Gateway;
  readonly messages: FakeMessages;
  readonly topics: FakeTopics;
  readonly admin: FakeAdmin;
  readonly health: FakeHealth;
  /** What the gateway logged, as JSON lines. */
  readonly log: readonly string[];
}

/** A real gateway on a free port, before ports that a test can see into. */
export async function startFakeNode(
  t: TestContext,
  limits: Partial<GatewayLimits> = {},
): Promise<FakeNode> {
  const messages = new FakeMessages();
  const topics = new FakeTopics();
  const admin = new FakeAdmin();
  const health = new FakeHealth();
  const log: string[] = [];
  const gateway = new Gateway({
    ...{ messages, topics, admin, health, limits },
    host: "127.0.0.1",
    port: 0,
    logger: createLogger({ readable: false, write: (line) => log.push(line) }),
    metrics: health.registry,
  });
  const { url, port } = await gateway.start();
  t.after(() => gateway.stop());
  return { url, port, gateway, messages, topics, admin, health, log };
}
