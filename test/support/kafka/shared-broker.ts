import { connect } from "node:net";
import { env as environment } from "node:process";
import { text } from "node:stream/consumers";
import { fileScope } from "../cleanup.ts";
import { startBroker } from "./broker.ts";

/** A broker that nobody may stop. */
export interface SharedBroker {
  /** `host:port`. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
}

const scope = fileScope();
const run = Math.random().toString(36).slice(2, 8);
let names = 0;
let asked: Promise<SharedBroker> | undefined;

/**
 * The broker of the whole run (scripts/run-tests.mjs), which the first file to ask has started: starting takes
 * longer than most tests. A file that is run by itself gets one of its own. Others are on it: names of topics
 * and groups begin with {@link uniqueName}.
 */
export function sharedBroker(): Promise<SharedBroker> {
  const { STATEFOLD_TEST_SERVICES: path } = environment;
  asked ??= path === undefined ? startBroker(scope) : askFor(path);
  return asked;
}

/** Differs from that of any other file, and from that of any other call. */
export const uniqueName = (kind: string): string => `${kind}-${run}-${++names}`;

async function askFor(path: string): Promise<SharedBroker> {
  const answer = await text(connect(path));
  return JSON.parse(answer);
}
