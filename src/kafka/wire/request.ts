import type { WireReader } from "./reader.ts";
import type { WireWriter } from "./writer.ts";

/**
 * One kind of request in one version: https://kafka.apache.org/protocol#protocol_messages
 *
 * The versions are those that brokers from 2.5 to 4 all understand.
 */
export interface RequestKind<Question, Answer> {
  readonly name: string;
  readonly key: number;
  readonly version: number;
  write(writer: WireWriter, question: Question): void;
  read(reader: WireReader): Answer | Promise<Answer>;
}
