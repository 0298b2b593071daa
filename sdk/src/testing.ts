/** Testing functions: the second door for users. */
export {
  type FunctionTest,
  type FunctionTestOptions,
  type MessageOptions,
  testFunction,
} from "./testing/function-test.ts";
export type {
  PlainDelayedMessage,
  PlainEffects,
  PlainMessage,
  PlainRecord,
  PlainValue,
} from "./testing/plain-effects.ts";
