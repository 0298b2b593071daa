import type { SASLOptions } from "kafkajs";
import { oauthTokens } from "./oauth-tokens.ts";
import type { PropertyReader } from "./property-reader.ts";

const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;

/**
 * Who we are, by the properties of Java's clients: `sasl.mechanism` and `sasl.jaas.config`. Undefined: the
 * protocol does not ask.
 */
export function saslOf(reader: PropertyReader, isWanted: boolean): SASLOptions | undefined {
  const mechanism = reader.oneOf("sasl.mechanism", MECHANISMS, "PLAIN");
  const config = reader.text("sasl.jaas.config");
  const url = reader.text("sasl.oauthbearer.token.endpoint.url");
  const scopeOf = reader.text("sasl.oauthbearer.scope");
  for (const name of ["sasl.login.callback.handler.class", "sasl.client.callback.handler.class"]) {
    reader.ignore(name, "it names a class of Java's");
  }
  if (!isWanted) return undefined;
  if (config === undefined) throw reader.wrong("sasl.jaas.config", FORM);
  const options = jaasOptions(config);
  if (mechanism === "OAUTHBEARER") {
    const clientId = options.get("clientId");
    const clientSecret = options.get("clientSecret");
    const scope = options.get("scope") ?? scopeOf;
    if (url === undefined) {
      throw reader.wrong("sasl.oauthbearer.token.endpoint.url", "given with OAUTHBEARER");
    }
    if (clientId === undefined || clientSecret === undefined) {
      throw reader.wrong(
        "sasl.jaas.config",
        'of the form … required clientId="…" clientSecret="…";',
      );
    }
    const provider = oauthTokens({ url, clientId, clientSecret, scope, nowMs: Date.now });
    return { mechanism: "oauthbearer", oauthBearerProvider: provider };
  }
  const username = options.get("username");
  const password = options.get("password");
  if (username === undefined || password === undefined)
    throw reader.wrong("sasl.jaas.config", FORM);
  switch (mechanism) {
    case "PLAIN":
      return { mechanism: "plain", username, password };
    case "SCRAM-SHA-256":
      return { mechanism: "scram-sha-256", username, password };
    case "SCRAM-SHA-512":
      return { mechanism: "scram-sha-512", username, password };
  }
}

const FORM = 'of the form org.apache.kafka.… required username="…" password="…";';

/** The options of a JAAS entry: `class required name="value" …;`, with `\"` and `\\` in quotes. */
function jaasOptions(config: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const [, name = "", quoted, bare] of config.matchAll(OPTION)) {
    options.set(name, quoted?.replaceAll(/\\(.)/g, "$1") ?? bare ?? "");
  }
  return options;
}

const OPTION = /([A-Za-z][\w.]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/g;
