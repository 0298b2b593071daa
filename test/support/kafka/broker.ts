import type { Scope } from "../cleanup.ts";
import { type Script, startScript } from "../process.ts";
import { tempDir } from "../temp.ts";
import { prepareBroker } from "./prepared-broker.ts";

export interface BrokerOptions {
  /** Further lines of server.properties. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** A real broker of one node. */
export interface Broker {
  /** `host:port`. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** For kill, stop, restart: the address and the data stay. */
  readonly script: Script;
}

/**
 * Starts a broker from packages, on free ports and in a folder of its own; it ends with the test. Takes
 * 3 to 6 s, the first time on a machine a quarter of a minute more.
 */
export async function startBroker(t: Scope, options: BrokerOptions = {}): Promise<Broker> {
  const { host, port, command, isReady } = await prepareBroker(tempDir(t), options.properties);
  const [program, first = "", ...args] = command;
  const script = await startScript(t, {
    ...{ program, script: first, args, ready: isReady, readyTimeoutMs: 60_000 },
  });
  return { address: `${host}:${port}`, host, port, script };
}
