import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { type TestContext, test } from "node:test";
import { serve, statefulFunction, types, value } from "@statefold/sdk";
import { atEnd } from "../support/cleanup.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { morning, poisonous } from "./functions/crowd.ts";
import { startWith } from "./node.ts";

/*
 * I6 on a whole node: while one address, type or endpoint makes trouble, and it is there to be seen, calls to
 * everybody else are answered, each and every one; and once the trouble is over, nothing of it is lost. How
 * quickly is for `npm run bench -- isolation` to say.
 */
const OTHERS = 20;
/** More than an address holds in memory. */
const HOT = 5_000;
const TOLD = 3_000;
const INT = { "statefold-type": "io.statefun.types/int", "content-type": "application/json" };

class Crowd {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async post(path: string, value = 1): Promise<Response> {
    return await fetch(`${this.url}/v1/${path}`, {
      ...{ method: "POST", headers: { ...INT, accept: "application/json" }, body: String(value) },
    });
  }

  async send(address: string, value = 1): Promise<void> {
    const response = await this.post(`send/${address}`, value);
    assert.equal(response.status, 202, await response.text());
  }

  /** Every call to everybody else is answered with what it asked for. */
  async othersAreAnswered(round: number): Promise<void> {
    const totals = await Promise.all(
      Array.from({ length: OTHERS }, async (_, i) => {
        const response = await this.post(`call/crowd/counter/other-${i}`);
        return response.status === 200 ? await response.json() : await response.text();
      }),
    );
    assert.deepEqual(new Set(totals), new Set([round]));
  }

  async state(address: string): Promise<{ pending: number; parked: boolean; count: number }> {
    const response = await fetch(`${this.url}/v1/admin/state/${address}`);
    const { pending, parked, states } = (await response.json()) as {
      pending: number;
      parked: boolean;
      states: { name: string; value: { value?: number } }[];
    };
    return {
      pending,
      parked,
      count: states.find(({ name }) => name === "count")?.value.value ?? 0,
    };
  }

  async counted(address: string, count: number): Promise<void> {
    await until(`${address} to have counted ${count}`, async () => {
      return (await this.state(address)).count === count;
    });
  }

  async circuit(functions: string): Promise<string> {
    const response = await fetch(`${this.url}/v1/admin/endpoints`);
    const { items } = (await response.json()) as {
      items: { functions: string; circuit: string }[];
    };
    return items.find((each) => each.functions === functions)?.circuit ?? "";
  }

  /** I4: messages that are unaccounted for. */
  async drift(): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const found = [...text.matchAll(/^statefold_partition_drift_messages\S* (\S+)$/gm)];
    assert(found.length > 0);
    return found.reduce((sum, [, drift]) => sum + Math.abs(Number(drift)), 0);
  }
}

const endpoint = (namespace: string, port: number): string => `
kind: io.statefun.endpoints.v2/http
spec:
  functions: ${namespace}/*
  urlPathTemplate: http://127.0.0.1:${port}/
`;

/** Takes every request and answers none, until it is let go. */
async function startHanging(t: TestContext): Promise<{ port: number; asked: () => number }> {
  let asked = 0;
  const server: Server = createServer(() => {
    asked++;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked: () => asked };
}

/** A port on which somebody listens later. */
async function portThatIsDown(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("everybody else is answered while one id, type or endpoint makes trouble, and nothing is lost", async (t) => {
  const hanging = await startHanging(t);
  const downPort = await portThatIsDown();
  const documents = [endpoint("hangs", hanging.port), endpoint("down", downPort)];
  const { url } = await startWith(t, tempDir(t), "crowd", {}, documents);
  const crowd = new Crowd(url);
  let round = 0;
  await crowd.othersAreAnswered(++round);

  await t.test("a poison id", async () => {
    poisonous.add("poison");
    for (let i = 0; i < 5; i++) await crowd.send("crowd/counter/poison");
    await crowd.othersAreAnswered(++round);
    await until("it to be parked", async () => (await crowd.state("crowd/counter/poison")).parked);
    await crowd.othersAreAnswered(++round);
    poisonous.clear();
    const path = "/v1/admin/parked/crowd/counter/poison/retry";
    assert.equal((await fetch(url + path, { method: "POST" })).status, 200);
    await crowd.counted("crowd/counter/poison", 5);
  });

  await t.test("an endpoint that is down, and one that hangs", async () => {
    const sends = Array.from({ length: 20 }, (_, i) => [
      ...[crowd.send(`down/counter/${i % 10}`), crowd.send(`hangs/counter/${i}`)],
    ]);
    await Promise.all(sends.flat());
    await until("the circuit to open", async () => (await crowd.circuit("down/*")) !== "closed");
    await until("it to hang", () => hanging.asked() > 0);
    await crowd.othersAreAnswered(++round);
    const back = await serve([downCounter], { port: downPort });
    atEnd(t, () => back.close());
    for (let i = 0; i < 10; i++) await crowd.counted(`down/counter/${i}`, 2);
  });

  await t.test("an id with more mail than is held in memory, whose function is slow", async () => {
    await crowd.send("crowd/teller/hot", HOT);
    await crowd.othersAreAnswered(++round);
    await until("all of its mail to wait", async () => {
      return (await crowd.state("crowd/counter/hot")).pending === HOT;
    });
    await crowd.othersAreAnswered(++round);
    morning.resolve();
    await crowd.othersAreAnswered(++round);
    await crowd.counted("crowd/counter/hot", HOT);
  });

  await t.test("one that tells thousands of their own type at once", async () => {
    await crowd.send("crowd/teller/many", TOLD);
    await crowd.othersAreAnswered(++round);
    for (let i = 0; i < TOLD; i += 599) await crowd.counted(`crowd/counter/leaf-${i}`, 1);
  });

  await t.test("an id with 10 MB of state", async () => {
    const heavy = Array.from({ length: 3 }, () => crowd.post("call/crowd/heavy/one"));
    await crowd.othersAreAnswered(++round);
    for (const answer of heavy) assert.equal((await answer).status, 200);
    await crowd.counted("crowd/heavy/one", 3);
  });

  await t.test("callers that do not read their answers", async () => {
    const port = Number(new URL(url).port);
    const readers = Array.from({ length: 8 }, (_, i) => callWithoutReading(t, port, i));
    await Promise.all(readers);
    await crowd.othersAreAnswered(++round);
  });

  assert.equal(await crowd.drift(), 0);
});

const downCounter = statefulFunction("down/counter", {
  state: { count: value(types.int) },
}).on(types.int, (ctx, by) => {
  ctx.state.count = (ctx.state.count ?? 0) + by;
});

/** Resolves when a large answer has begun to come in; nothing of it is read. */
async function callWithoutReading(t: TestContext, port: number, id: number): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1" });
  atEnd(t, () => socket.destroy());
  const head = Object.entries(INT).map(([name, text]) => `${name}: ${text}\r\n`);
  socket.write(
    `POST /v1/call/crowd/verbose/${id} HTTP/1.1\r\nhost: x\r\n${head.join("")}content-length: 1\r\n\r\n1`,
  );
  await once(socket, "readable");
}
