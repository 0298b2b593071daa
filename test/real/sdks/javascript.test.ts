import { startScript } from "../../support/process.ts";
import { checkSdk } from "./check.ts";

checkSdk({
  name: "official JavaScript SDK",
  needs: [],
  lacks: ["large", "precise"],
  start: (t, args) =>
    startScript(t, {
      script: new URL("./javascript/functions.js", import.meta.url),
      ...{ args, ready: /serving/ },
    }),
});
