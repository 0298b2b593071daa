import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { cli } from "../cli/fake-io.ts";
import { type Script, startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { startRuntime } from "./runtime.ts";

/*
 * A bad night, step by step as docs/operating.md, "At night", has it: an endpoint is down, a function has a
 * bug for some messages, one message is garbage, one address is full of spam, a name is misspelt, and a record
 * has no key. Whoever is on call has the command line and nothing else.
 */
const moduleOf = (shop: number, mail: number) => `
kind: io.statefun.endpoints.v2/http
spec:
  functions: shop/*
  urlPathTemplate: http://127.0.0.1:${shop}/
  retry: { maxAttempts: 2, initial: 5ms, max: 10ms }
---
kind: io.statefun.endpoints.v2/http
spec:
  functions: mail/*
  urlPathTemplate: http://127.0.0.1:${mail}/
---
kind: io.statefun.kafka.v1/ingress
spec:
  id: shop/in
  address: localhost:9092
  consumerGroupId: shop
  startupPosition: { type: earliest }
  topics:
    - { topic: orders, valueType: shop/Order, targets: [shop/order] }
`;

interface Status {
  readonly partitions: readonly {
    readonly accepted: number;
    readonly finished: number;
    readonly pending: number;
    readonly parked: number;
    readonly dead: number;
  }[];
  readonly endpoints: readonly { readonly functions: string; readonly circuit: string }[];
}

interface Dead {
  readonly id: string;
  readonly code: string;
}

class Night {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** What a command printed; it must succeed. */
  async run(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await cli(this.#url, args);
    assert.equal(code, 0, `${args.join(" ")}: ${err}`);
    return out;
  }

  /** What a command said beside its output. */
  async said(...args: readonly string[]): Promise<string> {
    const { code, err } = await cli(this.#url, args);
    assert.equal(code, 0, `${args.join(" ")}: ${err}`);
    return err;
  }

  async order(id: string, ...items: readonly string[]): Promise<void> {
    for (const item of items) await this.#send("shop/order", id, item);
  }

  async spam(id: string, ...items: readonly string[]): Promise<void> {
    for (const item of items) await this.#send("shop/spam", id, item);
  }

  async sum(of: "pending" | "parked" | "dead" | "accepted" | "finished"): Promise<number> {
    return (await this.#status()).partitions.reduce((sum, each) => sum + each[of], 0);
  }

  async circuit(functions: string): Promise<string | undefined> {
    const { endpoints } = await this.#status();
    return endpoints.find((each) => each.functions === functions)?.circuit;
  }

  /** Waits until an address remembers just this, in this order. */
  async remembers(type: string, id: string, items: string): Promise<void> {
    await until(`${type} ${id} to remember ${items}`, async () => {
      const { out } = await cli(this.#url, ["state", "get", type, id]);
      return out === `items (io.statefun.types/string): ${items} \n`;
    });
  }

  /** The dead letter with this code. */
  async dead(code: string): Promise<string> {
    const found = JSON.parse(await this.run("dead", "list", "--code", code, "--json")) as Dead[];
    assert.equal(found.length, 1);
    return found[0]?.id ?? "";
  }

  async #send(type: string, id: string, item: string): Promise<void> {
    await this.run("send", type, id, JSON.stringify({ item }), "--type", "shop/Order");
  }

  async #status(): Promise<Status> {
    return JSON.parse(await this.run("status", "--json")) as Status;
  }
}

async function startNight(t: TestContext) {
  const versions = { shop: "buggy" };
  const part = (name: "shop" | "mail"): Promise<Script> =>
    startScript(t, {
      script: new URL("./scripts/night-functions.js", import.meta.url),
      args: (port) => [String(port), name, versions.shop],
      ready: /serving/,
    });
  const shop = await part("shop");
  const mail = await part("mail");
  const module = moduleOf(shop.port, mail.port);
  const runtime = await startRuntime(t, { module, directory: tempDir(t), partitions: 2 });
  return { shop, mail, night: new Night(runtime.url), versions };
}

/** All that goes wrong, until it shows. */
async function evening(night: Night, mail: Script): Promise<void> {
  await mail.kill();
  await night.order("ada", "tea", "milk");
  await night.order("eve", "tea", "€5", "milk");
  await night.order("kim", "€1", "€2");
  await night.order("zoe", "tea", "garbage", "milk");
  await night.order("pat", "gift");
  await night.spam("x", "1", "2", "3");
  await night.run("topic", "write", "orders", '{"item":"lost"}');
  await until("four to be parked", async () => (await night.sum("parked")) === 4);
  await until("two to be dead", async () => (await night.sum("dead")) === 2);
  await until("the circuit to open", async () => (await night.circuit("mail/*")) !== "closed");
}

test("a bad night is mended by the command line alone: nothing lost, nothing doubled, all in order", async (t) => {
  const { shop, mail, night, versions } = await startNight(t);

  await evening(night, mail);

  // 1. What is it?
  const screen = await night.run("status");
  assert.match(screen, /^mail\/\* +http:\S+ +one by one +(open|probing) .*ECONNREFUSED/m);
  assert.match(screen, /an endpoint is down/);
  assert.match(screen, /statefold parked list/);
  assert.match(screen, /statefold dead list/);

  // 2. The endpoint that is down is repaired, and its mail goes on by itself.
  await mail.start();
  await night.remembers("mail/letter", "ada", "tea milk");
  await until("the circuit to close", async () => (await night.circuit("mail/*")) === "closed");

  // 3. Who waits, and why?
  const parked = await night.run("parked", "list", "--type", "shop/order");
  assert.deepEqual([...parked.matchAll(/^shop\/order +(\w+)/gm)].map(([, id]) => id).sort(), [
    ...["eve", "kim", "zoe"],
  ]);
  const shown = await night.run("parked", "show", "shop/order", "eve");
  assert.match(shown, /after \d tries/);
  assert.match(shown, /no such currency in €5/);
  assert.match(shown, /2 waiting[^€]*"item": "€5"[^€]*"item": "milk"/);

  // 4. The function is mended and deployed; those it failed for try again.
  versions.shop = "fixed";
  await shop.restart();
  const currency = ["--type", "shop/order", "--reason", "no such currency"];
  assert.match(await night.said("parked", "retry", ...currency, "--dry-run"), /^2 would be/m);
  assert.match(await night.said("parked", "retry", ...currency), /^2 go on$/m);
  await night.remembers("shop/order", "eve", "tea €5 milk");
  await night.remembers("shop/order", "kim", "€1 €2");

  // 5. One message is itself at fault: it is skipped. One address is all spam: it is purged.
  assert.match(await night.run("parked", "skip", "shop/order", "zoe"), /^\S+\n$/);
  await night.remembers("shop/order", "zoe", "tea milk");
  const spam = ["parked", "purge", "--type", "shop/spam"];
  assert.match(await night.run(...spam, "--dry-run"), /^shop\/spam +x /m);
  assert.equal(await night.said(...spam, "--yes"), "1 purged\n");
  assert.equal(await night.said("parked", "list"), "nothing is parked\n");

  // 6. The dead letters: one had a wrong target, one had none, and one may go.
  const gift = await night.dead("TARGET_UNKNOWN");
  assert.match(await night.run("dead", "show", gift), /^to: shops\/gift pat$/m);
  assert.equal(await night.said("dead", "retry", gift, "--to", "shop/gift"), "1 sent once more\n");
  const lost = await night.dead("RECORD_INVALID");
  assert.match(
    await night.run("dead", "show", lost),
    /^to: nobody it can be said of; "dead retry --to/m,
  );
  await night.said("dead", "retry", lost, "--to", "shop/order/ada");
  await night.remembers("shop/gift", "pat", "gift");
  await night.remembers("shop/order", "ada", "tea milk lost");
  const old = ["--code", "FUNCTION_FAILED", "--older-than", "100ms"];
  await until("the garbage to be old enough", async () =>
    (await night.said("dead", "purge", ...old, "--dry-run")).startsWith("1 "),
  );
  assert.equal(await night.said("dead", "purge", ...old, "--yes"), "1 removed\n");
  assert.equal(await night.said("dead", "list"), "there are no dead letters\n");

  // 7. All is well: each order was handled once, in order, and each letter too.
  await night.remembers("mail/letter", "ada", "tea milk lost");
  await night.remembers("mail/letter", "eve", "tea €5 milk");
  await night.remembers("mail/letter", "kim", "€1 €2");
  await night.remembers("mail/letter", "zoe", "tea milk");
  await until("everything to be done", async () => (await night.sum("pending")) === 0);
  assert.match(await night.run("status"), /nothing waits for a person/);
  assert.equal(await night.sum("finished"), await night.sum("accepted"));
});
