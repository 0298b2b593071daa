import { startScript } from "../../support/process.ts";
import type { Sdk } from "./check.ts";

export const javascript: Sdk = {
  name: "official JavaScript SDK",
  needs: [],
  lacks: ["large", "precise"],
  start: (t, args) =>
    startScript(t, {
      script: new URL("./javascript/functions.js", import.meta.url),
      ...{ args, ready: /serving/ },
    }),
};
