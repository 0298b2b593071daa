import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { rootCertificates } from "node:tls";
import { listen } from "../../src/base/listen.ts";
import { consumerSettings, parseBootstrap, producerSettings } from "../../src/kafka/properties.ts";
import { tempDir } from "../support/temp.ts";

const of = (properties: Readonly<Record<string, string>>) => new Map(Object.entries(properties));

test("brokers are a list of host and port", () => {
  assert.deepEqual(parseBootstrap("a:9092, b.example:9093,[::1]:1"), [
    { host: "a", port: 9092 },
    { host: "b.example", port: 9093 },
    { host: "::1", port: 1 },
  ]);
  assert.deepEqual(parseBootstrap("PLAINTEXT://a:9092"), [{ host: "a", port: 9092 }]);
  assert.throws(() => parseBootstrap("kafka"), /"kafka" is no address of a Kafka broker/);
});

test("without properties there are defaults and no warnings", () => {
  const { settings, warnings } = consumerSettings(of({}), "app");
  assert.deepEqual(warnings, []);
  assert.equal(settings.clientId, "app");
  assert.equal(settings.tls, undefined);
  assert.equal(settings.sasl, undefined);
  assert.equal(settings.maxWaitMs, 500);
});

test("what has a counterpart is taken over", () => {
  const { settings, warnings } = producerSettings(
    of({ "client.id": "me", "compression.type": "LZ4", "max.request.size": "2000" }),
    "app",
  );
  assert.deepEqual(warnings, []);
  assert.equal(settings.clientId, "me");
  assert.equal(settings.compression, "lz4");
  assert.equal(settings.maxRecordBytes, 2_000);
});

test("that new partitions are not to be looked for has no effect, and is said to", () => {
  const name = "flink.partition-discovery.interval-millis";
  const { settings, warnings } = consumerSettings(of({ [name]: "-1" }), "app");
  assert.equal(settings.discoveryMs, 30_000);
  assert.match(warnings.join(), /discovery.interval-millis has no effect: new partitions are alw/);
  assert.equal(consumerSettings(of({ [name]: "7000" }), "app").settings.discoveryMs, 7_000);
});

test("what has none is named in a warning, with the reason where there is one", () => {
  const given = of({
    "enable.auto.commit": "true",
    "no.such": "1",
    "isolation.level": "read_uncommitted",
  });
  assert.deepEqual(consumerSettings(given, "app").warnings, [
    "the property isolation.level has no effect: records of aborted transactions are never read",
    "the property enable.auto.commit has no effect: positions are stored with the effects of what was read",
    "the property no.such has no effect: it has no counterpart here",
  ]);
});

test("a name that is nearly one that is understood is said to be", () => {
  const { warnings } = producerSettings(of({ "compresion.type": "lz4" }), "app");
  assert.deepEqual(warnings, [
    'the property compresion.type has no effect: it has no counterpart here; did you mean "compression.type"?',
  ]);
});

test("a wrong value is an error that says what is right", () => {
  const wrong = {
    code: "CONFIG_INVALID",
    message: /fetch.min.bytes must be a whole number from 1 /,
  };
  assert.throws(() => consumerSettings(of({ "fetch.min.bytes": "many" }), "app"), wrong);
  const kind = { message: /compression.type must be one of none, gzip, .*, not "zip"/ };
  assert.throws(() => producerSettings(of({ "compression.type": "zip" }), "app"), kind);
});

test("user and password come out of the JAAS entry; an error does not show them", () => {
  const config = 'org.apache.Foo required username="me" password="a\\"b;c";';
  const given = { "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512" };
  const { settings } = consumerSettings(of({ ...given, "sasl.jaas.config": config }), "app");
  assert.deepEqual(settings.sasl, {
    ...{ mechanism: "scram-sha-512", username: "me", password: 'a"b;c' },
  });
  assert.deepEqual(settings.tls, {});
  const broken = of({ ...given, "sasl.jaas.config": 'Foo required usr="hush";' });
  assert.throws(
    () => consumerSettings(broken, "app"),
    (error: Error) => /sasl.jaas.config must be/.test(error.message) && !/hush/.test(error.message),
  );
});

test("a bearer token is asked for once, until it is about to end", async (t) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    request.on("data", (bytes) => asked.push(`${request.headers.authorization} ${bytes}`));
    request.on("end", () => response.end('{"access_token":"t0k","expires_in":3600}'));
  });
  t.after(() => server.close());
  const port = await listen(server, "127.0.0.1", 0);
  const given = of({
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "OAUTHBEARER",
    "sasl.jaas.config": 'Foo required clientId="id" clientSecret="s" scope="kafka";',
    "sasl.oauthbearer.token.endpoint.url": `http://127.0.0.1:${port}/token`,
  });
  const { sasl } = consumerSettings(given, "app").settings;
  assert.ok(sasl !== undefined && "oauthBearerProvider" in sasl);
  assert.deepEqual(await sasl.oauthBearerProvider(), { value: "t0k" });
  assert.deepEqual(await sasl.oauthBearerProvider(), { value: "t0k" });
  const basic = Buffer.from("id:s").toString("base64");
  assert.deepEqual(asked, [`Basic ${basic} grant_type=client_credentials&scope=kafka`]);
});

const rawOf = (pem: string): Buffer => new X509Certificate(pem).raw;

test("certificates to trust are PEM, in a file or a property, on one line as well", (t) => {
  const [authority = ""] = rootCertificates;
  const file = join(tempDir(t), "ca.pem");
  writeFileSync(file, authority);
  const ssl = { "security.protocol": "SSL", "ssl.truststore.type": "PEM" };
  for (const given of [
    { "ssl.truststore.location": file },
    { "ssl.truststore.certificates": authority },
    { "ssl.truststore.certificates": authority.replaceAll("\n", " ") },
  ]) {
    const { tls } = consumerSettings(of({ ...ssl, ...given }), "app").settings;
    assert.deepEqual(rawOf(String(tls?.ca)), rawOf(authority));
  }
});

test("a store that holds nothing to use is refused, and a JKS store with the way out", (t) => {
  const folder = tempDir(t);
  const ssl = { "security.protocol": "SSL" };
  const refused = (given: Readonly<Record<string, string>>, message: RegExp) =>
    assert.throws(() => consumerSettings(of({ ...ssl, ...given }), "app"), {
      ...{ code: "CONFIG_INVALID", message },
    });
  const text = join(folder, "text.pem");
  writeFileSync(text, "-----");
  refused({ "ssl.truststore.location": text }, /truststore.location names no certificate in PEM/);
  refused({ "ssl.truststore.certificates": "file.pem" }, /certificates names no certificate/);
  const key = { "ssl.keystore.location": text, "ssl.keystore.password": "pw" };
  refused(key, /ssl.keystore.location, with its password: no key .*: no start line/);
  const p12 = join(folder, "key.p12");
  writeFileSync(p12, "p12");
  refused({ "ssl.keystore.location": p12 }, /ssl.keystore.location, with its password: no key/);
  refused({ "ssl.truststore.location": join(folder, "t.jks") }, /convert a JKS or PKCS12 store/);
});
