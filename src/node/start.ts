/**
 * The composition root: from options to a running node.
 *
 * Parts are opened in the order of their dependence (ground.ts, core.ts, doors.ts) and closed in the reverse
 * of it. What fails while starting closes what was opened before. A partition that cannot go on ends the
 * node with its reason.
 */
import { describeError } from "../base/errors.ts";
import { Closing } from "./closing.ts";
import { ComposedNode } from "./composed-node.ts";
import { openCore } from "./core.ts";
import { openDoors } from "./doors.ts";
import { openGround } from "./ground.ts";
import type { NodeOptions, RunningNode } from "./options.ts";
import { openStorage } from "./storage.ts";
import { Watch } from "./watch.ts";

/**
 * Starts a node; resolves when it listens and every partition is open.
 *
 * @param open where the data is kept; another one than the options say is for tests
 * @throws StatefoldError of what does not open: MODULE_INVALID, STORE_LOCKED, CONFIG_INVALID, …
 */
export async function startNode(
  options: NodeOptions,
  open: typeof openStorage = openStorage,
): Promise<RunningNode> {
  const closing = new Closing();
  try {
    return await compose(options, open, closing);
  } catch (error) {
    try {
      await closing.close();
    } catch (failure) {
      options.logger.error({ reason: describeError(failure) }, "What was opened does not close.");
    }
    throw error;
  }
}

async function compose(
  options: NodeOptions,
  open: typeof openStorage,
  closing: Closing,
): Promise<RunningNode> {
  const ground = await openGround(options, open, closing);
  const core = await openCore(ground, closing);
  const doors = await openDoors(ground, core, closing);
  const { partitions, report, ended } = core;
  // A partition may have given up meanwhile.
  if (report.phase.kind === "failed") throw report.phase.error;
  report.phase = { kind: "running" };
  const watch = new Watch(report, ground.logger);
  watch.start();
  closing.add(async () => watch.stop());
  return new ComposedNode({
    ...{ ...doors, ended, report, partitions, closing, snapshots: ground.snapshots },
    ingresses: core.ingresses.map(({ ingress }) => ingress),
  });
}
