import type { OptionSpec } from "./option-spec.ts";

/** Taken by every command. */
export const CONFIG: OptionSpec = {
  name: "config",
  kind: "text",
  placeholder: "FILE",
  description: "settings, instead of statefold.yaml in this directory",
};

export const HELP: OptionSpec = { name: "help", kind: "flag", description: "show this" };

/** Taken by every command that talks to a running node. */
export const URL_OPTION: OptionSpec = {
  name: "url",
  kind: "text",
  placeholder: "URL",
  description: "the node to talk to",
  fallback: "http://127.0.0.1:8080",
  setting: true,
};

export const JSON_OPTION: OptionSpec = {
  name: "json",
  kind: "flag",
  description: "print JSON, for programs",
};

export const LIMIT: OptionSpec = {
  name: "limit",
  kind: "text",
  placeholder: "N",
  description: "show this many at most",
  fallback: "1000",
};

export const SET: OptionSpec = {
  name: "set",
  kind: "list",
  placeholder: "NAME=VALUE",
  description: "value of a variable in the module; may be given several times",
  setting: true,
};
