/* Nodes whose modules say who they are, on a real broker that asks and lets them do only what they may. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { stringify } from "yaml";
import { BrokerCluster } from "../../src/kafka/cluster.ts";
import { consumerSettings } from "../../src/kafka/properties.ts";
import { committed } from "../egress/kafka-world.ts";
import { fileScope } from "../support/cleanup.ts";
import {
  PASSWORD,
  PLAIN_USER,
  type Right,
  type SecureBroker,
  startSecureBroker,
} from "../support/kafka/secure-broker.ts";
import { aClient, createTopics } from "../support/kafka/topics.ts";
import { tempDir } from "../support/temp.ts";
import { hasTools, JAVA, MAVEN, OPENSSL } from "../support/toolchain.ts";
import { until } from "../support/until.ts";
import { startWith, type TestedNode } from "./node.ts";

const scope = fileScope();
let starting: Promise<SecureBroker> | undefined;

type Properties = Readonly<Record<string, string>>;

/** One way to the broker: a listener, and what a module says to come in there. */
interface Way {
  readonly listener: string;
  readonly properties: Properties;
}

const sasl = (mechanism: string, entry: string): Properties => ({
  "security.protocol": "SASL_PLAINTEXT",
  "sasl.mechanism": mechanism,
  "sasl.jaas.config": `org.apache.kafka.common.security.any.LoginModule required ${entry}`,
});

const BEARER_USER = `clientId="alice" clientSecret="${PASSWORD.replaceAll('"', '\\"')}";`;

/** In a properties file of Java's a line that goes on ends in a backslash, and no line break is left. */
const onOneLine = (pem: string): string => pem.replaceAll("\n", " ");

function waysInto({ folder, tokenUrl }: SecureBroker): Readonly<Record<string, Way>> {
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  const trust = {
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": join(folder, "ca.pem"),
  };
  const ssl = { "security.protocol": "SSL", ...trust };
  const inline = {
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": onOneLine(text("ca.pem")),
  };
  const keyPassword = text("client-key-password.txt");
  return {
    plain: { listener: "SASL", properties: sasl("PLAIN", PLAIN_USER) },
    scram256: { listener: "SASL", properties: sasl("SCRAM-SHA-256", PLAIN_USER) },
    scram512: {
      listener: "SASLS",
      properties: {
        ...{ ...sasl("SCRAM-SHA-512", PLAIN_USER), ...trust },
        "security.protocol": "SASL_SSL",
      },
    },
    bearer: {
      listener: "SASLS",
      properties: {
        ...{ ...sasl("OAUTHBEARER", BEARER_USER), ...inline },
        "security.protocol": "SASL_SSL",
        "sasl.oauthbearer.token.endpoint.url": tokenUrl,
      },
    },
    bundle: {
      listener: "TLS",
      properties: {
        ...ssl,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": join(folder, "client-bundle.pem"),
        "ssl.key.password": keyPassword,
      },
    },
    pkcs12: {
      listener: "TLS",
      properties: {
        ...ssl,
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": join(folder, "client.p12"),
        "ssl.keystore.password": "p12",
      },
    },
    inline: {
      listener: "TLS",
      properties: {
        ...{ "security.protocol": "SSL", ...inline },
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": onOneLine(text("client.pem")),
        "ssl.keystore.key": onOneLine(text("client-key.pem")),
        "ssl.key.password": keyPassword,
      },
    },
  };
}

const PRINCIPALS = ["User:alice", "User:CN=client"];

/** What docs/module.md says that a node needs. */
const RIGHTS: readonly Omit<Right, "principal">[] = [
  { to: ["READ"], on: "TOPIC", name: "in-*" },
  { to: ["READ"], on: "GROUP", name: "relays" },
  { to: ["WRITE"], on: "TOPIC", name: "out-*" },
  { to: ["READ"], on: "TOPIC", name: "out-*" },
  { to: ["WRITE"], on: "TRANSACTIONAL_ID", name: "statefold/relay/out-*" },
  { to: ["READ"], on: "GROUP", name: "statefold/relay/out-*" },
];

interface Stage {
  readonly secure: SecureBroker;
  readonly ways: Readonly<Record<string, Way>>;
  ingress(name: string, way: Way, group?: string): string;
  egress(name: string, way: Way, semantic?: string): string;
  write(name: string, ...orders: readonly Order[]): Promise<void>;
}

interface Order {
  readonly egress: string;
  readonly topic: string;
  readonly text: string;
}

async function setStage(t: TestContext): Promise<Stage | undefined> {
  if (!(await hasTools(t, [JAVA, MAVEN, OPENSSL]))) return undefined;
  starting ??= startSecureBroker(scope).then(async (secure) => {
    const rights = PRINCIPALS.flatMap((principal) => RIGHTS.map((one) => ({ principal, ...one })));
    await secure.allow(...rights);
    return secure;
  });
  const secure = await starting;
  const client = aClient(t, secure.broker);
  const document = (kind: string, spec: object) => stringify({ kind, spec });
  const common = ({ listener, properties }: Way) => ({
    address: secure.broker.listeners.get(listener) ?? "",
    properties: Object.entries(properties).map(([name, value]) => ({ [name]: value })),
  });
  return {
    secure,
    ways: waysInto(secure),
    ingress: (name, way, consumerGroupId = "relays") =>
      document("io.statefun.kafka.v1/ingress", {
        ...{ id: `relay/in-${name}`, ...common(way), consumerGroupId },
        topics: [{ topic: `in-${name}`, valueType: "relay/Order", targets: ["relay/relay"] }],
        startupPosition: { type: "earliest" },
      }),
    egress: (name, way, type = "exactly-once") =>
      document("io.statefun.kafka.v1/egress", {
        ...{ id: `relay/${name}`, ...common(way) },
        deliverySemantic: type === "exactly-once" ? { type, transactionTimeout: "1min" } : { type },
      }),
    async write(name, ...orders) {
      const records = orders.map((order) => {
        const value = Buffer.from(JSON.stringify(order));
        return { timestampMs: Date.now(), key: Buffer.from("k"), value, headers: [] };
      });
      const how = { session: undefined, waitForReplicas: true, compression: "none" } as const;
      const batches = [{ topic: `in-${name}`, partition: 0, firstSequence: -1, records }];
      const [produced] = await client.produce({ ...how, batches });
      assert.equal(produced?.error, undefined);
    },
  };
}

/** What is committed in a topic, as texts. */
async function textsIn(t: TestContext, { secure }: Stage, topic: string): Promise<string[]> {
  const found = await committed(aClient(t, secure.broker), topic);
  return found.flat().map(({ value }) => Buffer.from(value ?? []).toString());
}

/** A question takes long when everything is new to the broker. */
const PATIENT = { timeoutMs: 60_000, everyMs: 50 };

interface Status {
  readonly ingresses: readonly { readonly id: string; readonly reason?: string }[];
  readonly egresses: readonly { readonly id: string; readonly reason?: string }[];
}

async function reasonOf({ url }: TestedNode, id: string): Promise<string> {
  const { ingresses, egresses } = (await (await fetch(`${url}/v1/admin/status`)).json()) as Status;
  return [...ingresses, ...egresses].find((one) => one.id === id)?.reason ?? "";
}

/** Why it cannot go on, as a person reads it. */
const says = (node: TestedNode, id: string, reason: RegExp) =>
  until(
    `${id} to say ${reason}`,
    async () => {
      const said = await reasonOf(node, id);
      assert.match(said, reason);
      return said;
    },
    PATIENT,
  );

test("every way in that a module can describe reads and writes, with no more rights than documented", async (t) => {
  const stage = await setStage(t);
  if (stage === undefined) return;
  const names = Object.keys(stage.ways);
  const topics = names.flatMap((name) => [`in-${name}`, `out-${name}`]);
  await createTopics(stage.secure.broker, ...topics.map((topic) => ({ topic, numPartitions: 1 })));
  const documents = Object.entries(stage.ways).flatMap(([name, way]) => [
    stage.ingress(name, way),
    stage.egress(`out-${name}`, way),
  ]);
  const node = await startWith(t, tempDir(t), "relay", { partitions: 1 }, documents);
  const order = (name: string, text: string) => ({
    ...{ egress: `relay/out-${name}`, topic: `out-${name}`, text },
  });
  for (const name of names) await stage.write(name, order(name, "first"));
  for (const name of names) {
    await until(
      `${name} to have come through`,
      async () => {
        const reasons = [
          await reasonOf(node, `relay/in-${name}`),
          await reasonOf(node, `relay/out-${name}`),
        ];
        assert.deepEqual(await textsIn(t, stage, `out-${name}`), ["first"], reasons.join());
        return true;
      },
      PATIENT,
    );
  }
});

/** A way in that is not one, and what a person reads of it. */
function brokenWays(stage: Stage): Readonly<Record<string, readonly [way: Way, reason: RegExp]>> {
  const { plain, scram512, bearer, bundle } = stage.ways;
  assert(plain && scram512 && bearer && bundle);
  const { folder } = stage.secure;
  const changed = ({ listener, properties }: Way, change: Properties): Way => {
    return { listener, properties: { ...properties, ...change } };
  };
  const entry = (text: string) => ({ "sasl.jaas.config": `any required ${text}` });
  const wrong = entry('username="alice" password="wrong";');
  const other = { "ssl.truststore.location": join(folder, "other-ca.pem") };
  const { "ssl.keystore.location": _, ...unnamed } = bundle.properties;
  return {
    password: [changed(plain, wrong), /: SASL PLAIN .*Invalid username or password$/],
    scram: [changed(scram512, wrong), /: SASL SCRAM SHA512 .*invalid credentials/],
    token: [
      changed(bearer, entry('clientId="alice" clientSecret="wrong";')),
      /: no token from .*\/token: it answered 401$/,
    ],
    authority: [changed(bundle, other), /: Connection error: unable to verify the first certif/],
    nobody: [
      { listener: "TLS", properties: unnamed },
      /: it does not take our certificate, or wants one \(ssl.keystore.\*\): /,
    ],
    untold: [
      { listener: "TLS", properties: {} },
      /: Closed connection: is security.protocol=PLAINTEXT what this listener wants\?/,
    ],
    unsaid: [
      { listener: "SASL", properties: {} },
      /: Closed connection: is security.protocol=PLAINTEXT what this listener wants\?/,
    ],
    wrapped: [
      { listener: "SASL", properties: scram512.properties },
      /disconnected before .*: is security.protocol=SASL_SSL what this listener wants\?/,
    ],
  };
}

test("who may not come in is told why, and nobody else notices", async (t) => {
  const stage = await setStage(t);
  if (stage === undefined) return;
  const { plain, pkcs12 } = stage.ways;
  assert(plain && pkcs12);
  const bad = brokenWays(stage);
  const topics = ["in-good", "out-good", "kept", "secret", "in-unwatched"];
  await createTopics(stage.secure.broker, ...topics.map((topic) => ({ topic, numPartitions: 1 })));
  const documents = Object.entries(bad).flatMap(([name, [way]]) => [
    stage.ingress(name, way),
    stage.egress(`out-${name}`, way),
  ]);
  documents.push(
    stage.ingress("good", plain),
    stage.egress("out-good", plain),
    stage.egress("out-once", pkcs12, "at-least-once"),
    // Nobody may write as it would, or note where it is.
    stage.egress("unsigned", plain),
    stage.ingress("unwatched", plain, "other-group"),
    stage.ingress("missing", plain).replaceAll("in-missing", "secret"),
  );
  const node = await startWith(t, tempDir(t), "relay", { partitions: 1 }, documents);
  const good = { egress: "relay/out-good", topic: "out-good" };
  const orders = ["relay/out-good", "relay/out-once"].flatMap((egress) => [
    { egress, topic: "secret", text: `${egress} may not` },
    { egress, topic: "nowhere", text: `${egress} cannot` },
    // Which it may read.
    { egress, topic: "in-good", text: `${egress} may not write` },
    { egress, topic: "out-good", text: egress },
  ]);
  for (const name of Object.keys(bad)) {
    orders.push({ egress: `relay/out-${name}`, topic: "out-good", text: "never" });
  }
  orders.push({ egress: "relay/unsigned", topic: "out-good", text: "never" });
  await stage.write("good", ...orders);
  for (const [name, [, reason]] of Object.entries(bad)) {
    await says(node, `relay/in-${name}`, reason);
    await says(node, `relay/out-${name}`, reason);
  }
  await says(node, "relay/secret", /topic secret: TOPIC_AUTHORIZATION_FAILED/);
  await says(node, "relay/unsigned", /TRANSACTIONAL_ID_AUTHORIZATION_FAILED/);

  const dead = await until(
    "six dead letters",
    async () => {
      const { items } = (await (await fetch(`${node.url}/v1/admin/dead`)).json()) as DeadLetters;
      assert.equal(items.length, 6);
      return items;
    },
    PATIENT,
  );
  const refused = ["secret", "nowhere", "in-good"].map(
    (topic) => `topic ${topic}: the broker refuses it (TOPIC_AUTHORIZATION_FAILED)`,
  );
  assert.deepEqual(
    dead.map(({ egress, code, reason }) => [egress, code, reason]).toSorted(),
    ["relay/out-good", "relay/out-once"]
      .flatMap((egress) => refused.map((reason) => [egress, "EGRESS_REFUSED", reason]))
      .toSorted(),
  );
  await stage.write("good", { ...good, text: "and on" });
  await stage.write("unwatched", { ...good, text: "unwatched" });
  await until(
    "the rest to come through",
    async () => {
      const found = await textsIn(t, stage, "out-good");
      assert.deepEqual(found.toSorted(), [
        "and on",
        "relay/out-good",
        "relay/out-once",
        "unwatched",
      ]);
      return true;
    },
    PATIENT,
  );
});

interface DeadLetters {
  readonly items: readonly {
    readonly egress: string;
    readonly code: string;
    readonly reason: string;
  }[];
}

test("a client shows its papers again before the broker would hang up, and misses no answer", async (t) => {
  const stage = await setStage(t);
  if (stage === undefined) return;
  const { bearer } = stage.ways;
  assert(bearer);
  const given = { ...bearer.properties, "security.protocol": "SASL_PLAINTEXT" };
  const { settings } = consumerSettings(new Map(Object.entries(given)), "test");
  const { sasl } = settings;
  assert(sasl !== undefined && "oauthBearerProvider" in sasl);
  let shown = 0;
  const counting = () => {
    shown++;
    return sasl.oauthBearerProvider();
  };
  const [host = "", port = ""] = (stage.secure.broker.listeners.get("SASL") ?? "").split(":");
  const cluster = new BrokerCluster({
    ...{ ...settings, sasl: { ...sasl, oauthBearerProvider: counting } },
    bootstrap: [{ host, port: Number(port) }],
  });
  t.after(() => cluster.close());
  await cluster.connect();
  const before = shown;
  const of = { topic: "in-again", partition: 0 };
  await createTopics(stage.secure.broker, { topic: of.topic, numPartitions: 1 });
  // Some on their way at any time.
  const ask = async (): Promise<void> => {
    while (shown < before + 2) assert.equal(await cluster.offset(of, "latest"), 0);
  };
  await Promise.all([ask(), ask(), ask()]);
});
