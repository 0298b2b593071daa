/**
 * What the handlers of one batch want done, in the wire's own shape so that encoding is one pass. The
 * fields that the wire does not have (`type`, `reply`, `record`) are for the testing kit.
 */
import type { WireAddress } from "./address.ts";
import type { EgressRecord } from "./egress.ts";
import type { TypedValue, ValueType } from "./types/value-type.ts";

export interface SentMessage {
  readonly target: WireAddress;
  readonly argument: TypedValue;
  /** Undefined for a forwarded message. */
  readonly type: ValueType<unknown> | undefined;
  readonly reply: boolean;
}

export interface DelayedMessage {
  readonly isCancellationRequest: false;
  readonly delayInMs: number;
  readonly target: WireAddress;
  readonly argument: TypedValue;
  readonly cancellationToken: string;
  readonly type: ValueType<unknown>;
}

export interface Cancellation {
  readonly isCancellationRequest: true;
  readonly cancellationToken: string;
}

export interface SentRecord {
  readonly egressNamespace: string;
  readonly egressType: string;
  readonly argument: TypedValue;
  /** The type of the value, or of the value inside a Kafka or Kinesis record. */
  readonly type: EgressRecord["valueType"];
}

export class Effects {
  readonly messages: SentMessage[] = [];
  readonly delayed: Array<DelayedMessage | Cancellation> = [];
  readonly records: SentRecord[] = [];
}
