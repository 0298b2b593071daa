/** Where a node is reached: its ingresses and its gateway, opened once the partitions are. */
import { PlaygroundEgress } from "../egress/playground.ts";
import { Gateway } from "../gateway/gateway.ts";
import { NodeAdmin } from "./admin.ts";
import type { Closing } from "./closing.ts";
import type { Core } from "./core.ts";
import type { Ground } from "./ground.ts";
import { declareLagMetric } from "./ingress-metrics.ts";
import { NodeMessages } from "./messages.ts";
import type { Listening } from "./options.ts";
import { NodeTopics } from "./topics.ts";
import { openIngresses, openPlaygrounds } from "./ways-in.ts";

export interface Doors {
  readonly messages: NodeMessages;
  readonly gateway: Gateway;
  /** The gateway first. */
  readonly listening: readonly Listening[];
}

export async function openDoors(ground: Ground, core: Core, closing: Closing): Promise<Doors> {
  const { options, application, module, log, metrics, logger, report, maxConnections } = ground;
  // The group is the original's: where it stands is not told by a fork.
  const commitsOffsets = !ground.isFork;
  const { partitions, ingresses } = core;
  const { host, port } = options;
  const messages = new NodeMessages(partitions);
  const parts = { application, log, metrics, report, commitsOffsets };
  ingresses.push(...(await openIngresses(module, parts)));
  declareLagMetric(metrics, () => ingresses.map(({ ingress }) => ingress));
  for (const { ingress } of ingresses) {
    closing.add(() => ingress.stop());
    await ingress.start(partitions);
  }
  const listening: Listening[] = core.egresses.flatMap(({ egress }) =>
    egress instanceof PlaygroundEgress
      ? [{ name: "playground egress", url: urlOf(host, egress.port) }]
      : [],
  );
  for (const playground of openPlaygrounds(module, host, messages, report)) {
    await playground.start();
    closing.add(() => playground.stop());
    listening.push({ name: "playground ingress", url: urlOf(host, playground.port) });
  }
  const gateway = new Gateway({
    ...{ host, port, logger: logger.child({ part: "gateway" }), metrics },
    ...{ messages, topics: new NodeTopics(log, core.held), health: core.report },
    admin: new NodeAdmin(partitions, core.report, ground.snapshots),
    limits: { maxConnections },
  });
  const { url } = await gateway.start();
  closing.add(() => gateway.stop());
  return { messages, gateway, listening: [{ name: "http", url }, ...listening] };
}

function urlOf(host: string, port: number | undefined): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port ?? 0}`;
}
