import { startScript } from "../../support/process.ts";
import type { Sdk } from "./check.ts";

export const statefold: Sdk = {
  name: "SDK of this project",
  needs: [],
  start: (t, args) =>
    startScript(t, {
      script: new URL("./statefold/functions.js", import.meta.url),
      ...{ args, ready: /serving/ },
    }),
};
