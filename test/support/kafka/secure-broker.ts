import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import kafkajs, { type AclEntry, Kafka, logLevel } from "kafkajs";
import { listen } from "../../../src/base/listen.ts";
import { makeCertificates } from "../../real/sdks/certificates.ts";
import { atEnd, type Scope } from "../cleanup.ts";
import { tempDir } from "../temp.ts";
import { type Broker, startBroker } from "./broker.ts";

// Node finds some names of the package only so.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** What opens every user's door: `alice` by SASL, and the client's certificate. */
export const PASSWORD = "it's a; secret";

/** A broker that asks who comes, and lets nobody do what was not allowed; its own listener does not ask. */
export interface SecureBroker {
  readonly broker: Broker;
  /** `ca.pem`, `other-ca.pem`, `client.p12`, `client-bundle.pem` (its key locked), and those they are made of. */
  readonly folder: string;
  /** Gives bearer tokens to `alice` for the secret. */
  readonly tokenUrl: string;
  /** How often it was asked for one. */
  readonly tokensGiven: () => number;
  allow(...rights: Right[]): Promise<void>;
}

/** Operations on a resource; a name that ends in `*` is a prefix. */
export interface Right {
  readonly principal: string;
  readonly to: readonly (keyof typeof AclOperationTypes)[];
  readonly on: "TOPIC" | "GROUP" | "TRANSACTIONAL_ID";
  readonly name: string;
}

/** Listeners: SASL (PLAIN, both SCRAMs, OAUTHBEARER), SASLS (the same over TLS), TLS (with a client's certificate). */
export async function startSecureBroker(t: Scope): Promise<SecureBroker> {
  const folder = tempDir(t);
  await makeStores(folder);
  const broker = await startBroker(t, {
    listeners: { SASL: "SASL_PLAINTEXT", SASLS: "SASL_SSL", TLS: "SSL" },
    properties: properties(folder),
    format: ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
      ...["--add-scram", `${mechanism}=[name="alice",password="${PASSWORD}"]`],
    ]),
  });
  const tokens = await startTokens(t);
  const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
  const allow = async (...rights: Right[]): Promise<void> => {
    const admin = kafka.admin();
    await admin.connect();
    await admin.createAcls({ acl: rights.flatMap(entriesOf) });
    await admin.disconnect();
  };
  return { broker, folder, ...tokens, allow };
}

const quoted = (text: string): string => `"${text.replaceAll('"', '\\"')}"`;

/** As a text of a JAAS entry. */
export const PLAIN_USER = `username="alice" password=${quoted(PASSWORD)};`;

const JAAS = "org.apache.kafka.common.security";

function properties(folder: string): Record<string, string> {
  const found: Record<string, string> = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": join(folder, "server-bundle.pem"),
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": join(folder, "ca.pem"),
    "listener.name.tls.ssl.client.auth": "required",
  };
  for (const name of ["sasl", "sasls"]) {
    const of = `listener.name.${name}`;
    const mechanisms = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER";
    const plain = `${JAAS}.plain.PlainLoginModule required user_alice=${quoted(PASSWORD)};`;
    const scram = `${JAAS}.scram.ScramLoginModule required;`;
    const bearer = `${JAAS}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`;
    found[`${of}.sasl.enabled.mechanisms`] = mechanisms;
    found[`${of}.plain.sasl.jaas.config`] = plain.replaceAll("\\", "\\\\");
    found[`${of}.scram-sha-256.sasl.jaas.config`] = scram;
    found[`${of}.scram-sha-512.sasl.jaas.config`] = scram;
    found[`${of}.oauthbearer.sasl.jaas.config`] = bearer;
  }
  // Ten seconds before, clients show their papers again.
  found["listener.name.sasl.connections.max.reauth.ms"] = "11500";
  return found;
}

async function makeStores(folder: string): Promise<void> {
  await makeCertificates(folder);
  const file = (name: string) => join(folder, name);
  const bundle = (name: string) =>
    writeFileSync(
      file(`${name}-bundle.pem`),
      Buffer.concat([readFileSync(file(`${name}-key.pem`)), readFileSync(file(`${name}.pem`))]),
    );
  bundle("server");
  bundle("client");
  const run = promisify(execFile);
  const opened = ["-passin", `file:${file("client-key-password.txt")}`, "-passout", "pass:p12"];
  const parts = ["-inkey", file("client-key.pem"), "-in", file("client.pem")];
  await run("openssl", [...["pkcs12", "-export", ...parts, ...opened, "-out", file("client.p12")]]);
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", file("other-key.pem"), "-out", file("other-ca.pem")],
    ...["-subj", "/CN=somebody else", "-days", "2", "-batch"],
  ]);
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");

/** An endpoint as RFC 6749 has it; its tokens are signed by nobody. */
async function startTokens(t: Scope): Promise<Pick<SecureBroker, "tokenUrl" | "tokensGiven">> {
  let given = 0;
  const server = createServer((request, response) => {
    const basic = Buffer.from(`alice:${encodeURIComponent(PASSWORD)}`).toString("base64");
    request.resume();
    if (request.headers.authorization !== `Basic ${basic}`) {
      response.writeHead(401).end();
      return;
    }
    given++;
    const nowS = Math.floor(Date.now() / 1000);
    const claims = { sub: "alice", iat: nowS, exp: nowS + 300 };
    const token = `${encode({ alg: "none" })}.${encode(claims)}.`;
    response.end(JSON.stringify({ access_token: token, expires_in: 300 }));
  });
  const port = await listen(server, "127.0.0.1", 0);
  atEnd(t, () => server.close());
  return { tokenUrl: `http://127.0.0.1:${port}/token`, tokensGiven: () => given };
}

function entriesOf({ principal, to, on, name }: Right): AclEntry[] {
  const isPrefix = name.endsWith("*");
  return to.map((operation) => ({
    resourceType: AclResourceTypes[on],
    resourceName: isPrefix ? name.slice(0, -1) : name,
    resourcePatternType: isPrefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    ...{ principal, host: "*" },
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes.ALLOW,
  }));
}
