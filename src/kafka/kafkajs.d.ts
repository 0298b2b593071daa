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
    interface Protocol {
      readonly request: {
        readonly apiKey: number;
        readonly apiVersion: number;
        readonly apiName: string;
        /** Both names hold what goes behind the request's head. */
        encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
      };
      readonly response: {
        decode(payload: Buffer): Promise<{ readonly payload: Buffer }>;
        parse(decoded: { readonly payload: Buffer }): Promise<Buffer>;
      };
      readonly logResponseError: boolean;
    }
    type Versions = Record<number, { readonly minVersion: number; readonly maxVersion: number }>;
  }

  class Connection {
    constructor(options: Connection.Options);
    isConnected(): boolean;
    connect(): Promise<unknown>;
    setVersions(versions: Connection.Versions): void;
    /** Whether it may authenticate by requests of its own, as brokers since 1.0 do. */
    setSupportAuthenticationProtocol(isSupported: boolean): void;
    authenticate(): Promise<void>;
    /** Rejects with an error named KafkaJS…, when there is no answer. */
    send(protocol: Connection.Protocol): Promise<Buffer>;
    /** Waits for what is in flight. */
    disconnect(): Promise<unknown>;
    rejectRequests(error: Error): void;
  }
  export = Connection;
}
