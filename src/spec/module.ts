/**
 * A validated module: what one or more module.yaml files say, with defaults filled in. Nothing of YAML is
 * left here; whoever runs a part takes its piece of this.
 */
export interface Module {
  readonly endpoints: readonly Endpoint[];
  readonly ingresses: readonly Ingress[];
  readonly egresses: readonly Egress[];
}

/** Where in which file something was said; for messages to people. 1-based. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type Endpoint = HttpEndpoint | EmbeddedEndpoint;

/** `name` undefined: every function of the namespace. An exact name wins over the wildcard. */
export interface FunctionPattern {
  readonly namespace: string;
  readonly name: string | undefined;
}

/** What the runtime does with a function's messages, whatever the transport. */
export interface DeliverySettings {
  /** `park` keeps the address waiting for a person; the others give up the message. */
  readonly onFailure: "park" | "deadLetter" | "skip";
  readonly retry: RetrySettings;
  /** Requests in flight to this endpoint at most. */
  readonly concurrency: number;
  /** `committed`: only messages whose cause is durable are delivered. */
  readonly delivery: "immediate" | "committed";
  /** Backlog of one address sent in one request at most; Infinity: all of it. */
  readonly maxNumBatchRequests: number;
}

export interface RetrySettings {
  /** Deliveries of a message alone before `onFailure` applies; at least 1. */
  readonly maxAttempts: number;
  readonly initialMs: number;
  readonly maxMs: number;
}

export interface HttpEndpoint extends DeliverySettings {
  readonly kind: "http";
  readonly place: Place;
  readonly functions: FunctionPattern;
  /** http, https, http+unix or https+unix; may hold `{function.name}`. */
  readonly urlPathTemplate: string;
  readonly transport: Transport;
}

/** SDK functions loaded from a module file and called in process. */
export interface EmbeddedEndpoint extends DeliverySettings {
  readonly kind: "embedded";
  readonly place: Place;
  /** Absolute path of the file. Which functions it serves is known when it is loaded. */
  readonly module: string;
}

/** Absolute paths; the certificate and the key are there both or not at all. */
export interface TlsSettings {
  readonly trustCaCerts: string | undefined;
  readonly clientCert: string | undefined;
  readonly clientKey: string | undefined;
  /** A file that holds the password. */
  readonly clientKeyPassword: string | undefined;
}

export interface Transport {
  /** `frames`: many calls in one request before it is offered; `okhttp`: never. */
  readonly type: "async" | "okhttp" | "frames";
  /** Budget of one request, answer included. */
  readonly callMs: number;
  readonly connectMs: number;
  /** Silence allowed while the answer comes in, and while the request goes out. */
  readonly readMs: number;
  readonly writeMs: number;
  /** A connection is closed so long after it was opened; 0: never. */
  readonly poolTtlMs: number;
  /** Connections at most. */
  readonly poolSize: number;
  /** The largest answer taken. */
  readonly payloadMaxBytes: number;
  readonly tls: TlsSettings;
}

/** A topic and where its records go: one message for each target, in order, to the id in the key. */
export interface Route {
  readonly topic: string;
  /** Becomes the typename of the message verbatim; nothing is decoded. */
  readonly valueType: string;
  readonly targets: readonly string[];
}

export type OnInvalid = "deadLetter" | "skip" | "stop";

export type Ingress = KafkaIngress | KinesisIngress | LogIngress | PlaygroundIngress;

export type StartupPosition =
  | { readonly type: "group-offsets" | "earliest" | "latest" }
  | { readonly type: "specific-offsets"; readonly offsets: readonly PartitionOffset[] }
  | { readonly type: "date"; readonly atMs: number };

export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface KafkaIngress {
  readonly kind: "kafka";
  readonly place: Place;
  readonly id: string;
  readonly address: string;
  readonly consumerGroupId: string;
  readonly topics: readonly Route[];
  readonly autoOffsetResetPosition: "earliest" | "latest";
  readonly startupPosition: StartupPosition;
  /** The consumer's other settings; none that has a field here. */
  readonly properties: ReadonlyMap<string, string>;
  readonly onInvalid: OnInvalid;
}

/** The embedded topic log as an ingress. */
export interface LogIngress {
  readonly kind: "log";
  readonly place: Place;
  readonly id: string;
  readonly topics: readonly Route[];
  readonly startupPosition: { readonly type: "earliest" | "latest" };
  readonly onInvalid: OnInvalid;
}

export interface KinesisIngress {
  readonly kind: "kinesis";
  readonly place: Place;
  readonly id: string;
  readonly aws: AwsSettings;
  readonly startupPosition: StartupPosition;
  readonly streams: readonly Route[];
  readonly clientConfigProperties: ReadonlyMap<string, string>;
}

export interface AwsSettings {
  readonly region:
    | { readonly type: "default" }
    | { readonly type: "specific"; readonly id: string }
    | { readonly type: "custom-endpoint"; readonly endpoint: string; readonly id: string };
  readonly credentials:
    | { readonly type: "default" }
    | { readonly type: "basic"; readonly accessKeyId: string; readonly secretAccessKey: string }
    | {
        readonly type: "profile";
        readonly profileName: string;
        readonly profilePath: string | undefined;
      };
}

export interface PlaygroundIngress {
  readonly kind: "playground";
  readonly place: Place;
  /** Always io.statefun.playground/ingress. */
  readonly id: string;
  readonly port: number;
}

export type Egress = KafkaEgress | KinesisEgress | LogEgress | PlaygroundEgress;

export interface KafkaEgress {
  readonly kind: "kafka";
  readonly place: Place;
  readonly id: string;
  readonly address: string;
  readonly delivery:
    | { readonly type: "none" | "at-least-once" }
    | { readonly type: "exactly-once"; readonly transactionTimeoutMs: number };
  /** The producer's other settings; none that has a field here. */
  readonly properties: ReadonlyMap<string, string>;
  readonly release: "commit" | "snapshot";
}

/** The embedded topic log as an egress; takes the Kafka egress's records. */
export interface LogEgress {
  readonly kind: "log";
  readonly place: Place;
  readonly id: string;
  readonly release: "commit" | "snapshot";
}

export interface KinesisEgress {
  readonly kind: "kinesis";
  readonly place: Place;
  readonly id: string;
  readonly aws: AwsSettings;
  readonly maxOutstandingRecords: number;
  readonly clientConfigProperties: ReadonlyMap<string, string>;
}

export interface PlaygroundEgress {
  readonly kind: "playground";
  readonly place: Place;
  /** Always io.statefun.playground/egress. */
  readonly id: string;
  readonly port: number;
  readonly topics: readonly string[];
}
