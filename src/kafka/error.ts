/** The broker's answer or the way to it cannot be used: a request may be sent again. */
export class KafkaUnreachableError extends Error {
  override readonly name = "KafkaUnreachableError";
}

/** An answer that is not what the protocol says. */
export class KafkaProtocolError extends Error {
  override readonly name = "KafkaProtocolError";
}

/** The broker answered with an error. */
export class KafkaError extends Error {
  override readonly name = "KafkaError";
  /** Kafka's own name of it, such as NOT_COORDINATOR; `ERROR_n` for one not known here. */
  readonly code: string;

  constructor(code: string, what: string) {
    super(`${what}: ${code}`);
    this.code = code;
  }
}

/** Kafka's name of an error's number; undefined for 0, which is none. */
export function errorName(number: number): string | undefined {
  return number === 0 ? undefined : (NAMES.get(number) ?? `ERROR_${number}`);
}

/** @throws KafkaError unless the number says that all is well */
export function checkError(number: number, what: string): void {
  const name = errorName(number);
  if (name !== undefined) throw new KafkaError(name, what);
}

/** A topic that clients like these may not use, or that no broker could have. */
const FORBIDDING: ReadonlySet<string> = new Set([
  ...["TOPIC_AUTHORIZATION_FAILED", "INVALID_TOPIC_EXCEPTION"],
]);

export const isForbidden = (code: string): boolean => FORBIDDING.has(code);

export const isForbidding = (error: unknown): error is KafkaError =>
  error instanceof KafkaError && isForbidden(error.code);

export const isUnknownTopic = (error: unknown): boolean =>
  error instanceof KafkaError && error.code === "UNKNOWN_TOPIC_OR_PARTITION";

/**
 * Of Kafka's numbers those that brokers answer to the requests used here:
 * https://kafka.apache.org/protocol#protocol_error_codes
 */
const NAMES: ReadonlyMap<number, string> = new Map([
  [-1, "UNKNOWN_SERVER_ERROR"],
  [1, "OFFSET_OUT_OF_RANGE"],
  [2, "CORRUPT_MESSAGE"],
  [3, "UNKNOWN_TOPIC_OR_PARTITION"],
  [5, "LEADER_NOT_AVAILABLE"],
  [6, "NOT_LEADER_OR_FOLLOWER"],
  [7, "REQUEST_TIMED_OUT"],
  [9, "REPLICA_NOT_AVAILABLE"],
  [10, "MESSAGE_TOO_LARGE"],
  [13, "NETWORK_EXCEPTION"],
  [14, "COORDINATOR_LOAD_IN_PROGRESS"],
  [15, "COORDINATOR_NOT_AVAILABLE"],
  [16, "NOT_COORDINATOR"],
  [17, "INVALID_TOPIC_EXCEPTION"],
  [18, "RECORD_LIST_TOO_LARGE"],
  [19, "NOT_ENOUGH_REPLICAS"],
  [20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND"],
  [25, "UNKNOWN_MEMBER_ID"],
  [29, "TOPIC_AUTHORIZATION_FAILED"],
  [30, "GROUP_AUTHORIZATION_FAILED"],
  [31, "CLUSTER_AUTHORIZATION_FAILED"],
  [32, "INVALID_TIMESTAMP"],
  [35, "UNSUPPORTED_VERSION"],
  [44, "POLICY_VIOLATION"],
  [45, "OUT_OF_ORDER_SEQUENCE_NUMBER"],
  [46, "DUPLICATE_SEQUENCE_NUMBER"],
  [47, "INVALID_PRODUCER_EPOCH"],
  [48, "INVALID_TXN_STATE"],
  [49, "INVALID_PRODUCER_ID_MAPPING"],
  [50, "INVALID_TRANSACTION_TIMEOUT"],
  [51, "CONCURRENT_TRANSACTIONS"],
  [52, "TRANSACTION_COORDINATOR_FENCED"],
  [53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"],
  [55, "OPERATION_NOT_ATTEMPTED"],
  [56, "KAFKA_STORAGE_ERROR"],
  [59, "UNKNOWN_PRODUCER_ID"],
  [74, "FENCED_LEADER_EPOCH"],
  [75, "UNKNOWN_LEADER_EPOCH"],
  [76, "UNSUPPORTED_COMPRESSION_TYPE"],
  [78, "OFFSET_NOT_AVAILABLE"],
  [84, "UNSUPPORTED_SASL_MECHANISM"],
  [87, "INVALID_RECORD"],
  [88, "UNSTABLE_OFFSET_COMMIT"],
  [89, "THROTTLING_QUOTA_EXCEEDED"],
  [90, "PRODUCER_FENCED"],
]);
