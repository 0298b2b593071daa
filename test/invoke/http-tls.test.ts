import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { openHttpInvoker } from "../../src/invoke/http.ts";
import type { TlsSettings } from "../../src/spec/module.ts";
import { anEndpoint, anInvoker, call, OCTET_STREAM, TRANSPORT, told } from "./servers.ts";

/** The compiled test runs in dist/. */
function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../test/invoke/fixtures/${name}`, import.meta.url));
}

const CA = { trustCaCerts: fixture("test-ca.pem") };
const CLIENT = {
  clientCert: fixture("test-client.pem"),
  clientKey: fixture("test-client-key.pem"),
};

function settings(differences: Partial<TlsSettings>): { tls: TlsSettings } {
  return { tls: { ...TRANSPORT.tls, ...differences } };
}

/** A server that asks for a certificate of our authority and answers who came. */
async function mutualTlsServer(t: TestContext): Promise<{ url: string; resumed: boolean[] }> {
  const resumed: boolean[] = [];
  const options = {
    ca: readFileSync(fixture("test-ca.pem")),
    cert: readFileSync(fixture("test-server.pem")),
    key: readFileSync(fixture("test-server-key.pem")),
    requestCert: true,
    rejectUnauthorized: true,
  };
  const server = createServer(options, (request, response) => {
    resumed.push((request.socket as TLSSocket).isSessionReused());
    response.writeHead(200, { "content-type": OCTET_STREAM, connection: "close" }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, resumed };
}

test("a server that asks for a certificate is shown ours, and sessions are resumed", async (t) => {
  const { url, resumed } = await mutualTlsServer(t);
  const invoker = await anInvoker(t, url, settings({ ...CA, ...CLIENT }));
  assert.equal(told(await call(invoker)), "reply");
  assert.equal(told(await call(invoker)), "reply");
  assert.deepEqual(resumed, [false, true]);
});

test("a key under a password is opened with the password's file", async (t) => {
  const { url } = await mutualTlsServer(t);
  const tls = settings({
    ...CA,
    ...CLIENT,
    clientKey: fixture("test-client-key-encrypted.pem"),
    clientKeyPassword: fixture("test-client-key-password.txt"),
  });
  assert.equal(told(await call(await anInvoker(t, url, tls))), "reply");
});

test("a server of an unknown authority is the endpoint's trouble", async (t) => {
  const { url } = await mutualTlsServer(t);
  const outcome = await call(await anInvoker(t, url, settings(CLIENT)));
  assert.match(told(outcome), /^retryLater: .*certificate/);
});

test("a server that refuses us is the endpoint's trouble", async (t) => {
  const { url } = await mutualTlsServer(t);
  const outcome = await call(await anInvoker(t, url, settings(CA)));
  assert.match(told(outcome), /^retryLater: /);
});

const NOWHERE = fixture("no-such-file.pem");
const REFUSED: readonly (readonly [what: string, tls: Partial<TlsSettings>, message: RegExp])[] = [
  [
    "a certificate without key",
    { clientCert: CLIENT.clientCert },
    /transport.client_cert is given without client_key/,
  ],
  [
    "a key without certificate",
    { clientKey: CLIENT.clientKey },
    /transport.client_key is given without client_cert/,
  ],
  [
    "a missing file",
    { trustCaCerts: NOWHERE },
    /transport.trust_cacerts: .*no-such-file.pem cannot be read/,
  ],
  [
    "a missing password",
    { ...CLIENT, clientKeyPassword: NOWHERE },
    /transport.client_key_password: .*no-such-file.pem cannot be read/,
  ],
  [
    "a trust store that is none",
    { trustCaCerts: fixture("README.md") },
    /transport.trust_cacerts: .*README.md holds no PEM certificate/,
  ],
  [
    "a certificate that is none",
    { ...CLIENT, clientCert: fixture("README.md") },
    /transport.client_cert: .*README.md is not usable/,
  ],
  [
    "a key that is none",
    { ...CLIENT, clientKey: fixture("README.md") },
    /transport.client_key: .*README.md is not usable/,
  ],
  [
    "a key under another password",
    {
      ...CLIENT,
      clientKey: fixture("test-client-key-encrypted.pem"),
      clientKeyPassword: fixture("README.md"),
    },
    /transport.client_key: .*encrypted.pem is not usable/,
  ],
  [
    "a key of another certificate",
    { ...CLIENT, clientKey: fixture("test-server-key.pem") },
    /transport.client_cert: .*test-client.pem is not usable: .*mismatch/,
  ],
];

for (const [what, tls, message] of REFUSED) {
  test(`${what} is refused at start, by property and file`, async () => {
    const endpoint = anEndpoint("https://f/", settings(tls));
    await assert.rejects(
      openHttpInvoker(endpoint, () => 0),
      (error: Error) => {
        assert.equal((error as Error & { code: string }).code, "CONFIG_INVALID");
        assert.match(error.message, /^module.yaml:3:5: /);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
