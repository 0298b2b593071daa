import { readFileSync } from "node:fs";
import { type ConnectionOptions, createSecureContext } from "node:tls";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { PropertyReader } from "./property-reader.ts";

/**
 * TLS by the properties of Java's clients. Certificates and keys are PEM, in a property or a file; a key
 * store may be PKCS12 too. What cannot be used is found here, not at every try for a connection. Undefined:
 * the protocol has no TLS.
 */
export function tlsOf(reader: PropertyReader, isWanted: boolean): ConnectionOptions | undefined {
  const trust = trustStore(reader);
  const key = keyStore(reader);
  const identification = reader.text("ssl.endpoint.identification.algorithm");
  const protocol = reader.text("ssl.protocol");
  for (const name of WITHOUT_EFFECT) reader.ignore(name, "node has its own");
  if (!isWanted) return undefined;
  return {
    ...trust,
    ...key,
    ...(identification?.trim() === "" ? { checkServerIdentity: () => undefined } : {}),
    ...(protocol === "TLSv1.3" ? { minVersion: "TLSv1.3" } : {}),
  };
}

const WITHOUT_EFFECT = [
  ...["ssl.enabled.protocols", "ssl.provider", "ssl.secure.random.implementation"],
  ...["ssl.keymanager.algorithm", "ssl.trustmanager.algorithm", "ssl.cipher.suites"],
];

function trustStore(reader: PropertyReader): ConnectionOptions {
  const type = reader.text("ssl.truststore.type")?.toUpperCase();
  const pem = reader.text("ssl.truststore.certificates");
  const location = reader.text("ssl.truststore.location");
  reader.text("ssl.truststore.password");
  if (pem !== undefined) return { ca: authorities("ssl.truststore.certificates", pem) };
  if (location === undefined) return {};
  if (type !== "PEM" && !/\.(pem|crt|cer)$/i.test(location)) {
    throw reader.wrong(
      "ssl.truststore.location",
      "a PEM file, with ssl.truststore.type=PEM (convert a JKS or PKCS12 store: keytool -list -rfc)",
    );
  }
  const text = read("ssl.truststore.location", location).toString("latin1");
  return { ca: authorities("ssl.truststore.location", text) };
}

/** Node takes a text without any as a trust in nobody. */
function authorities(property: string, text: string): string {
  const pem = withLines(text);
  if (/^-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----$/m.test(pem)) return pem;
  throw new StatefoldError(
    "CONFIG_INVALID",
    `the property ${property} names no certificate in PEM`,
  );
}

/** In Java's properties PEM may be a single line, with blanks for the ends of its lines. */
function withLines(pem: string): string {
  return pem.replaceAll(ENTRY, (_, name: string, body: string) => {
    const lines = body.replaceAll(/\s/g, "").match(/.{1,64}/g) ?? [];
    return `-----BEGIN ${name}-----\n${lines.join("\n")}\n-----END ${name}-----\n`;
  });
}

const ENTRY = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----\s*/g;

function keyStore(reader: PropertyReader): ConnectionOptions {
  const type = reader.text("ssl.keystore.type")?.toUpperCase();
  const chain = reader.text("ssl.keystore.certificate.chain");
  const key = reader.text("ssl.keystore.key");
  const location = reader.text("ssl.keystore.location");
  const storePassword = reader.text("ssl.keystore.password");
  const passphrase = reader.text("ssl.key.password") ?? storePassword;
  const secret = passphrase === undefined ? {} : { passphrase };
  if (chain !== undefined && key !== undefined) {
    const pair = { cert: withLines(chain), key: withLines(key), ...secret };
    return usable("ssl.keystore.key", pair);
  }
  if (location === undefined) return {};
  const bytes = read("ssl.keystore.location", location);
  if (type === "PEM" || /\.pem$/i.test(location)) {
    return usable("ssl.keystore.location", { cert: bytes, key: bytes, ...secret });
  }
  if (type === "PKCS12" || /\.(p12|pfx)$/i.test(location)) {
    return usable("ssl.keystore.location", { pfx: bytes, ...secret });
  }
  throw reader.wrong(
    "ssl.keystore.location",
    "a PEM or PKCS12 file (convert a JKS store: keytool -importkeystore -deststoretype PKCS12)",
  );
}

/** @throws StatefoldError CONFIG_INVALID when the key cannot be opened, or is not that of the certificate */
function usable(property: string, options: ConnectionOptions): ConnectionOptions {
  try {
    createSecureContext(options);
  } catch (error) {
    const message = `the property ${property}, with its password: no key and certificate that can be used: ${reasonOf(error)}`;
    throw new StatefoldError("CONFIG_INVALID", message, { cause: error });
  }
  return options;
}

/** OpenSSL's own words, without where in its sources they come from. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && "reason" in error ? String(error.reason) : describeError(error);

function read(property: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const message = `the property ${property}: ${path} cannot be read: ${describeError(error)}`;
    throw new StatefoldError("CONFIG_INVALID", message, { cause: error });
  }
}
