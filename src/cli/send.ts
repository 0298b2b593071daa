import { addressPath } from "./client.ts";
import { argument, type Command, type Context } from "./command.ts";
import { JSON_OPTION, URL_OPTION } from "./common-options.ts";
import { KEY_OPTION, messageValue, TYPE_OPTION, VALUE_DETAILS } from "./message-value.ts";

export const sendCommand: Command = {
  name: "send",
  summary: "send a message to a function, and do not wait for what it does",
  args: "TYPE ID [VALUE]",
  arity: [2, 3],
  details: `
TYPE and ID are the address: the function's type, and whichever instance of it is meant. It ends when the
message is safely stored, and prints its id.

${VALUE_DETAILS}`,
  options: [
    TYPE_OPTION,
    KEY_OPTION,
    {
      ...{ name: "delay", kind: "text", placeholder: "TIME" },
      description: "deliver it so much later: 500ms, 5s, 10min, 2h, 1d",
    },
    URL_OPTION,
    JSON_OPTION,
  ],
  examples: [
    "statefold send demo/greeter ada hello",
    "statefold send demo/counter visits 5 --type int --delay 10s",
    `statefold send demo/cart 17 '{"item":"tea"}' --type demo/AddItem --key order-93`,
    "statefold send demo/store photo - --type demo/Image < photo.png",
  ],
  run: send,
};

async function send(context: Context): Promise<number> {
  const { client, options, io } = context;
  const path = addressPath(argument(context, 0), argument(context, 1));
  const delay = options.text("delay");
  const query = delay === undefined ? "" : `?${new URLSearchParams({ delay })}`;
  const value = await messageValue(context);
  const answer = await client.json<{ messageId: string }>(
    "POST",
    `/v1/send/${path}${query}`,
    value,
  );
  await io.out(options.flag("json") ? `${JSON.stringify(answer)}\n` : `${answer.messageId}\n`);
  return 0;
}
