import { startScript } from "../../support/process.ts";
import { checkSdk } from "./check.ts";

checkSdk({
  name: "SDK of this project",
  needs: [],
  start: (t, args) =>
    startScript(t, {
      script: new URL("./statefold/functions.js", import.meta.url),
      ...{ args, ready: /serving/ },
    }),
});
