import { addressPath } from "./client.ts";
import { argument, type Command, type Context } from "./command.ts";
import { URL_OPTION } from "./common-options.ts";
import { KEY_OPTION, messageValue, TYPE_OPTION, VALUE_DETAILS } from "./message-value.ts";
import { printValue } from "./readable.ts";

export const callCommand: Command = {
  name: "call",
  summary: "send a message to a function and print what it replies",
  args: "TYPE ID [VALUE]",
  arity: [2, 3],
  details: `
As "send", and then waits for the reply that the function sends to its caller. When there is none in time,
the work goes on, and stderr says how to fetch the reply later.

${VALUE_DETAILS}`,
  options: [
    TYPE_OPTION,
    KEY_OPTION,
    {
      ...{ name: "timeout", kind: "text", placeholder: "TIME" },
      description: "wait so long at most: 500ms, 5s, 1min",
      fallback: "30s",
    },
    URL_OPTION,
  ],
  examples: [
    "statefold call demo/greeter ada hello",
    "statefold call demo/counter visits 1 --type int --timeout 5s",
  ],
  run: call,
};

async function call(context: Context): Promise<number> {
  const { client, options, io } = context;
  const path = addressPath(argument(context, 0), argument(context, 1));
  const query = new URLSearchParams({ timeout: options.text("timeout") ?? "" });
  const { body, headers } = await messageValue(context);
  const answer = await client.open("POST", `/v1/call/${path}?${query}`, {
    body,
    headers: { ...headers, accept: "application/json" },
  });
  await printValue(io, answer);
  return 0;
}
