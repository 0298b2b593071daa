/** Writing functions: the door for users. */
export { type Address, address } from "./address.ts";
export type { Context, RecordHeader } from "./context.ts";
export type { Duration } from "./duration.ts";
export {
  type EgressRecord,
  type KafkaRecord,
  type KinesisRecord,
  kafka,
  kinesis,
  type TypedKafkaRecord,
  type TypedKinesisRecord,
} from "./egress.ts";
export { SDK_ERRORS, SdkError, type SdkErrorCode } from "./errors.ts";
export {
  type AnyStatefulFunction,
  type Handler,
  isStatefulFunction,
  type RawMessage,
  type StatefulFunction,
  statefulFunction,
} from "./function.ts";
export { type Functions, type RequestReplyHandler, requestReplyHandler } from "./handler.ts";
export { type FetchHandler, fetchHandler } from "./http/fetch-handler.ts";
export {
  type LambdaEvent,
  type LambdaHandler,
  type LambdaResult,
  lambdaHandler,
} from "./http/lambda-handler.ts";
export { type NodeHandler, nodeHandler } from "./http/node-handler.ts";
export type { AdapterOptions } from "./http/options.ts";
export { type FunctionServer, type ServeOptions, serve } from "./http/serve.ts";
export { type Expiry, type StateOf, type States, type ValueSpec, value } from "./state.ts";
export type { CustomCodec } from "./types/custom.ts";
export type { ProtobufCodec } from "./types/protobuf.ts";
export type { TypeOf, ValueType } from "./types/value-type.ts";
export { types } from "./types.ts";
