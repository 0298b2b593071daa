/**
 * The part of kafkajs that this project stands on: one connection to one broker, with TLS and SASL. It
 * comes without types, and is no public interface of the package, whose version is pinned for that.
 */
declare module "kafkajs/src/network/connection.js" {
  import type { Socket } from "node:net";
  import type { ConnectionOptions } from "node:tls";
  import type { SASLOptions } from "kafkajs";

  namespace Connection {
    interface Logger {
      namespace(name: string): Logger;
      debug(): void;
      info(): void;
      warn(): void;
      error(): void;
    }
    interface Options {
      readonly host: string;
      readonly port: number;
      readonly logger: Logger;
      readonly clientId: string;
      readonly ssl: ConnectionOptions | undefined;
      readonly sasl: SASLOptions | undefined;
      readonly socketFactory: (to: {
        readonly host: string;
        readonly port: number;
        readonly ssl: ConnectionOptions | null;
        readonly onConnect: () => void;
      }) => Socket;
      readonly connectionTimeout: number;
      readonly requestTimeout: number;
    }
    /** A request that has been sent. */
    interface Entry {
      readonly apiName: string;
      readonly correlationId: number;
      resolve(answer: Answer & { readonly entry: Entry }): void;
      reject(error: Error): void;
    }
    interface Answer {
      readonly correlationId: number;
      /** Of all of it. */
      readonly size: number;
      /** What stands behind the correlation id. */
      readonly payload: Buffer;
    }
    interface PushedRequest {
      readonly entry: Entry;
      sendRequest(): void;
    }
    /** What a connection has in flight. */
    interface RequestQueue {
      push(request: PushedRequest): void;
      fulfillRequest(answer: Answer): void;
      rejectAll(error: Error): void;
      destroy(): void;
      waitForPendingRequests(): Promise<void>;
      scheduleRequestTimeoutCheck(): void;
      maybeThrottle(): void;
    }
    type Versions = Record<number, { readonly minVersion: number; readonly maxVersion: number }>;
  }

  class Connection {
    constructor(options: Connection.Options);
    requestQueue: Connection.RequestQueue;
    /** From {@link connect} on. */
    readonly socket: Socket;
    isConnected(): boolean;
    connect(): Promise<unknown>;
    nextCorrelationId(): number;
    setVersions(versions: Connection.Versions): void;
    /** Whether it may authenticate by requests of its own, as brokers since 1.0 do. */
    setSupportAuthenticationProtocol(isSupported: boolean): void;
    authenticate(): Promise<void>;
    /** False as well where nobody asks who we are, and shortly before the broker wants to know it again. */
    isAuthenticated(): boolean;
    disconnect(): Promise<unknown>;
    rejectRequests(error: Error): void;
  }
  export = Connection;
}
