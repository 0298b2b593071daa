/** A whole node in process, in memory, with virtual time: for testing several functions together. */

import { resolveOptions, type TestNodeOptions } from "./testing/options.ts";
import { TestNode } from "./testing/test-node.ts";

export { type ErrorCode, StatefoldError } from "./base/errors.ts";
export type { FunctionFailure } from "./testing/callee.ts";
export type { TestEgress, TestNodeOptions, TestRetry, TestTopic } from "./testing/options.ts";
export type { EgressKind, RecordQuery, TestRecord } from "./testing/outlets.ts";
export type { CallOptions, SendOptions, TopicRecord } from "./testing/requests.ts";
export type { TestNode } from "./testing/test-node.ts";
export type { DeadView, MessageView, ParkedView, TimerView } from "./testing/views.ts";

/**
 * Starts a node for one test: `await using node = await testNode({ functions: [subscription, payment] })`.
 *
 * @throws StatefoldError USAGE for options that make no sense, MODULE_INVALID for a module that has mistakes,
 *   CONFIG_INVALID for a function that no endpoint of the module serves
 */
export async function testNode(options: TestNodeOptions): Promise<TestNode> {
  const node = new TestNode(await resolveOptions(options));
  await node.open();
  return node;
}
