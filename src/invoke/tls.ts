import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { Place, TlsSettings } from "../spec/module.ts";

/** What the files of an endpoint's TLS settings hold, ready for a TLS connection. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly passphrase?: string;
}

/**
 * Reads and checks the files, so that a wrong one is found at start and not at the first message.
 * The trust store, when given, takes the place of the usual one.
 *
 * @throws StatefoldError CONFIG_INVALID with the property and the file
 */
export async function readTls(settings: TlsSettings, place: Place): Promise<TlsMaterial> {
  const { trustCaCerts, clientCert, clientKey, clientKeyPassword } = settings;
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    const [given, absent] =
      clientCert === undefined ? ["client_key", "client_cert"] : ["client_cert", "client_key"];
    throw invalid(place, `transport.${given} is given without ${absent}; mutual TLS needs both`);
  }
  const ca = await read("trust_cacerts", trustCaCerts, place);
  const cert = await read("client_cert", clientCert, place);
  const key = await read("client_key", clientKey, place);
  const password = await read("client_key_password", clientKeyPassword, place);
  // An editor's last line feed is no part of the password.
  const passphrase = password?.toString("utf8").replace(/\r?\n$/, "");

  if (ca !== undefined) check("trust_cacerts", trustCaCerts, place, { ca });
  if (cert !== undefined) check("client_cert", clientCert, place, { cert });
  const secret = { ...(key && { key }), ...(passphrase !== undefined && { passphrase }) };
  if (key !== undefined) check("client_key", clientKey, place, secret);
  const material = { ...(ca && { ca }), ...(cert && { cert }), ...secret };
  if (key !== undefined) check("client_cert", clientCert, place, material);
  return material;
}

async function read(
  property: string,
  file: string | undefined,
  place: Place,
): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file);
  } catch (error) {
    throw invalid(place, `transport.${property}: ${file} cannot be read: ${describeError(error)}`);
  }
}

function check(
  property: string,
  file: string | undefined,
  place: Place,
  material: TlsMaterial,
): void {
  if (property === "trust_cacerts" && !material.ca?.includes("-----BEGIN CERTIFICATE-----")) {
    throw invalid(place, `transport.${property}: ${file} holds no PEM certificate`);
  }
  try {
    createSecureContext(material);
  } catch (error) {
    throw invalid(place, `transport.${property}: ${file} is not usable: ${describeError(error)}`);
  }
}

function invalid(place: Place, what: string): StatefoldError {
  return new StatefoldError(
    "CONFIG_INVALID",
    `${place.file}:${place.line}:${place.column}: ${what}`,
  );
}
