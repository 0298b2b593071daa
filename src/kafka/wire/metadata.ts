import type { RequestKind } from "./request.ts";

export interface Node {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface TopicMetadata {
  readonly error: number;
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly leader: number }[];
}

/** `mayCreate`: a topic that is not there, by brokers that do so. */
export const METADATA: RequestKind<
  { readonly topics: readonly string[]; readonly mayCreate: boolean },
  { readonly nodes: readonly Node[]; readonly topics: readonly TopicMetadata[] }
> = {
  name: "Metadata",
  key: 3,
  version: 5,
  write(writer, { topics, mayCreate }) {
    writer.array(topics, (topic) => writer.string(topic));
    writer.boolean(mayCreate);
  },
  read(reader) {
    reader.int32(); // throttled for so long
    const nodes = reader.array(() => {
      const node = { id: reader.int32(), host: reader.string(), port: reader.int32() };
      reader.nullableString(); // rack
      return node;
    });
    reader.nullableString(); // cluster
    reader.int32(); // controller
    const topics = reader.array(() => {
      const error = reader.int16();
      const topic = reader.string();
      reader.boolean(); // internal
      const partitions = reader.array(() => {
        reader.int16(); // an error of it: its leader is -1 then
        const found = { partition: reader.int32(), leader: reader.int32() };
        for (let i = 0; i < 3; i++) reader.array(() => reader.int32()); // replicas
        return found;
      });
      return { error, topic, partitions };
    });
    return { nodes, topics };
  },
};

export type CoordinatorOf = { readonly type: "group" | "transaction"; readonly id: string };

export const FIND_COORDINATOR: RequestKind<CoordinatorOf, { readonly error: number } & Node> = {
  name: "FindCoordinator",
  key: 10,
  version: 1,
  write(writer, { type, id }) {
    writer.string(id);
    writer.int8(type === "group" ? 0 : 1);
  },
  read(reader) {
    reader.int32();
    const error = reader.int16();
    reader.nullableString(); // the error's text
    return { error, id: reader.int32(), host: reader.string(), port: reader.int32() };
  },
};
