/** Serves the greeter: `functions.js [PORT]`, 9000 without one. */
import { serve } from "@statefold/sdk";
import { greeter } from "./greeter.ts";

const { url } = await serve([greeter], { port: Number(process.argv[2] ?? 9000) });
process.stdout.write(`serving the greeter at ${url}\n`);
