import type { Command, Context } from "./command.ts";
import { JSON_OPTION, URL_OPTION } from "./common-options.ts";
import { size, table } from "./table.ts";
import { type TopicRow, topicsOf } from "./topic-api.ts";

export const topicListCommand: Command = {
  name: "topic list",
  summary: "list the topics of the topic log",
  args: "",
  arity: [0, 0],
  details: "The topic log keeps topics in the node's data directory, as Kafka would.",
  options: [JSON_OPTION, URL_OPTION],
  examples: ["statefold topic list"],
  run: topicList,
};

async function topicList(context: Context): Promise<number> {
  const { io } = context;
  const topics = await topicsOf(context);
  if (context.options.flag("json")) await io.out(`${JSON.stringify(topics, null, 2)}\n`);
  else if (topics.length === 0) io.err("there are no topics yet\n");
  else await io.out(table(["TOPIC", "PARTITIONS", "RECORDS", "SIZE"], topics.map(rowOf)));
  return 0;
}

function rowOf({ name, partitions }: TopicRow): (string | number)[] {
  const records = partitions.reduce((sum, each) => sum + each.endOffset - each.beginOffset, 0);
  const bytes = partitions.reduce((sum, each) => sum + each.bytes, 0);
  return [name, partitions.length, records, size(bytes)];
}
