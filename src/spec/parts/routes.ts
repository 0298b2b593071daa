import type { Route } from "../module.ts";
import { list } from "../reader/lists.ts";
import { object } from "../reader/object.ts";
import { type Reader, refined, required } from "../reader/reader.ts";
import { scalar, text, typeName } from "../reader/scalars.ts";

/** Kafka's own rule; the topic log, which stands in for it, has the same. */
export const topicName: Reader<string> = scalar(
  'the name of one topic (letters, digits, ".", "_" and "-", at most 249; no patterns)',
  (name) => (/^(?!\.\.?$)[A-Za-z0-9._-]{1,249}$/.test(name) ? name : undefined),
);

/** A function type that records go to; whether somebody serves it is checked for the whole module. */
const target = refined(typeName("a function type", "demo/orders"), (type, at) => {
  at.session.targets.push({ type, place: at.place, path: at.path });
  return type;
});

const routing = {
  valueType: required(
    text("the type name that messages get, such as demo/Order; nothing is decoded"),
  ),
  targets: required(
    refined(list("function types, such as demo/orders", target), (targets, at) => {
      if (targets.length === 0) at.warning("is empty: the records are read and go nowhere");
      return targets;
    }),
  ),
};

const topicRoute = object({
  fields: { topic: required(topicName), ...routing },
  build: (route): Route => route,
});

const streamRoute = object({
  fields: { stream: required(text("the name of one stream")), ...routing },
  build: ({ stream, ...rest }): Route => ({ topic: stream, ...rest }),
});

export const topicRoutes = routes(
  topicRoute,
  "topics to read, each with topic, valueType and targets",
  "topic",
);
export const streamRoutes = routes(
  streamRoute,
  "streams to read, each with stream, valueType and targets",
  "stream",
);

/** At least one; of a topic named twice the last counts, as in StateFun. */
function routes(route: Reader<Route>, what: string, key: string): Reader<readonly Route[]> {
  return refined(list(what, route, { atLeastOne: true }), (all, at) => {
    const byTopic = new Map<string, Route>();
    for (const [index, one] of all.entries()) {
      if (byTopic.has(one.topic)) {
        at.items()[index]?.member(key).warning(`is named twice; only this, its last entry, counts`);
      }
      byTopic.set(one.topic, one);
    }
    return [...byTopic.values()];
  });
}
