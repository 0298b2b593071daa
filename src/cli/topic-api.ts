import { argument, type Context } from "./command.ts";
import type { OptionSpec } from "./option-spec.ts";
import { usage } from "./usage.ts";

/** As `GET /v1/topics` gives it. */
export interface TopicRow {
  readonly name: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly beginOffset: number;
    readonly endOffset: number;
    readonly bytes: number;
  }[];
}

export const PARTITION: OptionSpec = {
  name: "partition",
  kind: "text",
  placeholder: "N",
  description: "this partition only",
};

export function partitionOf(context: Context): number | undefined {
  return context.options.count("partition", 0, 2 ** 31 - 1);
}

export async function topicsOf(context: Context): Promise<readonly TopicRow[]> {
  return (await context.client.json<{ topics: readonly TopicRow[] }>("GET", "/v1/topics")).topics;
}

export function topicPath(context: Context): string {
  const topic = argument(context, 0);
  if (topic === "") throw usage("the topic's name is empty");
  return `/v1/topics/${encodeURIComponent(topic)}`;
}
