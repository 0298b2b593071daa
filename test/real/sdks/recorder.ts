import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { io } from "@statefold/sdk/protocol";
import { type Deferred, deferred } from "../../../src/base/deferred.ts";
import { atEnd, type Scope } from "../../support/cleanup.ts";
import type { StateSpec } from "./program.ts";

const { ToFunction, FromFunction } = io.statefun.sdk.reqreply;
const { ExpireMode } = FromFunction.ExpirationSpec;

/** A request to a function, and what was answered. */
export interface Exchange {
  /** `<namespace>/<name>/<id>` */
  readonly address: string;
  /** The names of the states it came with. */
  readonly states: readonly string[];
  readonly messages: number;
  readonly status: number;
  /** The states the function asked for instead of an answer. */
  readonly missing: readonly StateSpec[];
  /** By the clock of `performance`. */
  readonly arrivedAtMs: number;
  readonly answeredAtMs: number;
}

/** Stands between the runtime and a function server: notes what passes, and can hold a request back. */
export class Recorder {
  readonly exchanges: Exchange[] = [];
  /** Requests that came, answered or not, by address. */
  readonly arrived: string[] = [];
  readonly #held = new Map<string, Deferred<void>>();
  readonly #functionsPort: number;
  readonly port: number;

  private constructor(functionsPort: number, port: number) {
    this.#functionsPort = functionsPort;
    this.port = port;
  }

  static async start(t: Scope, functionsPort: number): Promise<Recorder> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const recorder = new Recorder(functionsPort, (server.address() as AddressInfo).port);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      recorder.#pass(request, response).catch(() => response.destroy());
    });
    atEnd(t, () => {
      for (const gate of recorder.#held.values()) gate.resolve();
      server.closeAllConnections();
      server.close();
    });
    return recorder;
  }

  /** Requests to an address stay here until the function given back is called. */
  hold(address: string): () => void {
    const gate = deferred<void>();
    this.#held.set(address, gate);
    return () => {
      this.#held.delete(address);
      gate.resolve();
    };
  }

  /** What was exchanged with one address, or with all of one type. */
  with(address: string): Exchange[] {
    return this.exchanges.filter((each) => `${each.address}/`.startsWith(`${address}/`));
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { invocation } = ToFunction.decode(body);
    const { namespace, type, id } = invocation?.target ?? {};
    const address = `${namespace}/${type}/${id}`;
    const arrivedAtMs = performance.now();
    this.arrived.push(address);
    await this.#held.get(address)?.promise;
    const answer = await this.#forward(request, body);
    this.exchanges.push({
      address,
      states: (invocation?.state ?? []).map(({ stateName }) => stateName ?? ""),
      messages: invocation?.invocations?.length ?? 0,
      status: answer.status,
      missing: answer.status === 200 ? missingIn(answer.body) : [],
      arrivedAtMs,
      answeredAtMs: performance.now(),
    });
    response.writeHead(answer.status, { ...answer.type, "content-length": answer.body.length });
    response.end(answer.body);
  }

  #forward(
    { method, url, headers }: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; type: Record<string, string>; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const target = { host: "127.0.0.1", port: this.#functionsPort, path: url, method, headers };
      const passedOn = request(target, (answer) => {
        const contentType = answer.headers["content-type"];
        const type = contentType === undefined ? {} : { "content-type": contentType };
        const status = answer.statusCode ?? 0;
        buffer(answer).then((bytes) => resolve({ status, type, body: bytes }), reject);
      });
      passedOn.on("error", reject);
      passedOn.end(body);
    });
  }
}

function missingIn(body: Buffer): StateSpec[] {
  const { incompleteInvocationContext } = FromFunction.decode(body);
  return (incompleteInvocationContext?.missingValues ?? []).map(
    ({ stateName, typeTypename, expirationSpec }) => {
      const mode = expirationSpec?.mode ?? ExpireMode.NONE;
      return {
        name: stateName ?? "",
        type: typeTypename ?? "",
        expires:
          mode === ExpireMode.NONE
            ? "never"
            : mode === ExpireMode.AFTER_INVOKE
              ? "after call"
              : "after write",
        afterMs: Number(expirationSpec?.expireAfterMillis ?? 0),
      };
    },
  );
}
