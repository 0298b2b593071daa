import { atEnd, type Scope } from "../cleanup.ts";
import { Script } from "../process.ts";
import { tempDir } from "../temp.ts";
import { type BrokerOptions, prepareBroker } from "./prepared-broker.ts";

/** A real broker of one node. */
export interface Broker {
  /** `host:port`. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** `host:port` of each listener, by name. */
  readonly listeners: ReadonlyMap<string, string>;
  /** For kill, stop, restart: the address and the data stay. */
  readonly script: Script;
}

/**
 * Starts a broker from packages, on free ports and in a folder of its own; it ends with the test. Takes
 * 3 to 6 s, the first time on a machine a quarter of a minute more.
 */
export async function startBroker(t: Scope, options: BrokerOptions = {}): Promise<Broker> {
  const broker = await brokerIn(tempDir(t), options);
  atEnd(t, () => broker.script.kill());
  await broker.script.start();
  return broker;
}

/** The same, to be started, and to be ended, by whoever asks. */
export async function brokerIn(folder: string, options: BrokerOptions = {}): Promise<Broker> {
  const { host, port, listeners, command, isReady } = await prepareBroker(folder, options);
  const [program, first = "", ...args] = command;
  const script = new Script(
    { program, script: first, args, ready: isReady, readyTimeoutMs: 180_000 },
    port,
  );
  return { address: `${host}:${port}`, host, port, listeners, script };
}
