import type { FunctionsAnswer } from "../functions.ts";
import { NodeHome } from "../node.ts";
import { NotInstalled } from "../peers/install.ts";
import { startRestate } from "../peers/restate.ts";
import type { ProxyQuestion } from "../proxy.ts";
import type { Shape } from "../requests.ts";
import type { Processes } from "../support/processes.ts";
import type { Program } from "../support/program.ts";
import type { Watched } from "../support/watch.ts";

/** Whom calls go to. */
export interface Subject {
  readonly name: string;
  readonly port: number;
  readonly shape: Shape;
  readonly processes: readonly Watched[];
  /** Rejects when one of its programs ends, with its last words. */
  readonly died: Promise<never>;
  /** Stands still while others are measured: it has something to do by itself. */
  readonly pausable?: Program;
}

export const FUNCTION = "function alone";
export const PROXY = "plain proxy";
export const RESTATE = "Restate";
export const STATEFOLD = "statefold";
export const OFFICIAL_PROXY = "plain proxy, official SDK";
export const OFFICIAL_STATEFOLD = "statefold, official SDK";

/** Everybody who runs, and what was to be had for each. */
export interface Cast {
  readonly subjects: readonly Subject[];
  /** Of the function on our SDK. */
  readonly functionPort: number;
  /** Why somebody is missing. */
  readonly notes: readonly string[];
  remove(): Promise<void>;
}

/** Of those whose last words go to the terminal. */
const never = new Promise<never>(() => {});

export async function castOf(processes: Processes): Promise<Cast> {
  const ends: (() => Promise<void>)[] = [];
  const notes: string[] = [];
  const functions = processes.child("functions.js");
  const { port: functionPort } = await functions.ask<FunctionsAnswer>({});
  const official = processes.child("official-functions.js");
  const { port: officialPort } = await official.ask<{ port: number }>({});
  const ours: Watched = { role: "functions", pid: functions.pid };
  const theirs: Watched = { role: "functions", pid: official.pid };

  const proxy = async (name: string, to: number, behind: Watched): Promise<Subject> => {
    const child = processes.child("proxy.js");
    const question: ProxyQuestion = { functionPort: to };
    const { port } = await child.ask<{ port: number }>(question);
    const watched: Watched[] = [{ role: "runtime", pid: child.pid }, behind];
    return { name, port, shape: "protocol", processes: watched, died: never };
  };
  const node = async (name: string, to: number, behind: Watched): Promise<Subject> => {
    const home = await NodeHome.make(processes, { port: to });
    ends.push(() => home.remove());
    const { port, program } = await home.start();
    const watched: Watched[] = [{ role: "runtime", pid: program.pid }, behind];
    return { name, port, shape: "call", processes: watched, died: program.died };
  };
  const subjects: Subject[] = [
    { name: FUNCTION, port: functionPort, shape: "protocol", processes: [ours], died: never },
    await proxy(PROXY, functionPort, ours),
    await node(STATEFOLD, functionPort, ours),
    await proxy(OFFICIAL_PROXY, officialPort, theirs),
    await node(OFFICIAL_STATEFOLD, officialPort, theirs),
  ];
  try {
    const { port, server, functions: beside, remove } = await startRestate(processes);
    ends.push(remove);
    const watched: Watched[] = [
      { role: "runtime", pid: server.pid },
      { role: "functions", pid: beside.pid },
    ];
    const died = Promise.race([server.died, beside.died]);
    died.catch(() => {}); // it may be that nobody asks any more
    const what = { name: RESTATE, port, shape: "restate", died, pausable: server } as const;
    subjects.push({ ...what, processes: watched });
  } catch (error) {
    if (!(error instanceof NotInstalled)) throw error;
    notes.push(`  ${error.message}\n`);
  }
  return {
    ...{ subjects, functionPort, notes },
    remove: async () => {
      for (const end of ends) await end();
    },
  };
}
