import { suite } from "node:test";
import { checkSdk } from "./check.ts";
import { go } from "./go.ts";
import { java } from "./java.ts";
import { javascript } from "./javascript.ts";
import { python } from "./python.ts";
import { statefold } from "./statefold.ts";

// Each waits much of its time: for programs to start, and for states to expire.
suite("one program in five SDKs", { concurrency: 2 }, () => {
  for (const sdk of [python, go, java, javascript, statefold]) checkSdk(sdk);
});
