import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { PropertyReader } from "./property-reader.ts";

/**
 * TLS by the properties of Java's clients. Certificates and keys are PEM, in a property or a file; a key
 * store may be PKCS12 too. Undefined: the protocol has no TLS.
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
  if (pem !== undefined) return { ca: pem };
  if (location === undefined) return {};
  if (type !== "PEM" && !/\.(pem|crt|cer)$/i.test(location)) {
    throw reader.wrong(
      "ssl.truststore.location",
      "a PEM file, with ssl.truststore.type=PEM (convert a JKS or PKCS12 store: keytool -list -rfc)",
    );
  }
  return { ca: read("ssl.truststore.location", location) };
}

function keyStore(reader: PropertyReader): ConnectionOptions {
  const type = reader.text("ssl.keystore.type")?.toUpperCase();
  const chain = reader.text("ssl.keystore.certificate.chain");
  const key = reader.text("ssl.keystore.key");
  const location = reader.text("ssl.keystore.location");
  const storePassword = reader.text("ssl.keystore.password");
  const passphrase = reader.text("ssl.key.password") ?? storePassword;
  const secret = passphrase === undefined ? {} : { passphrase };
  if (chain !== undefined && key !== undefined) return { cert: chain, key, ...secret };
  if (location === undefined) return {};
  const bytes = read("ssl.keystore.location", location);
  if (type === "PEM" || /\.pem$/i.test(location)) return { cert: bytes, key: bytes, ...secret };
  if (type === "PKCS12" || /\.(p12|pfx)$/i.test(location)) return { pfx: bytes, ...secret };
  throw reader.wrong(
    "ssl.keystore.location",
    "a PEM or PKCS12 file (convert a JKS store: keytool -importkeystore -deststoretype PKCS12)",
  );
}

function read(property: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const message = `the property ${property}: ${path} cannot be read: ${describeError(error)}`;
    throw new StatefoldError("CONFIG_INVALID", message, { cause: error });
  }
}
