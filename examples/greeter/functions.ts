import { serve } from "@statefold/sdk";
import { greeter } from "./greeter.ts";

const { url } = await serve([greeter], { port: 9000 });
process.stdout.write(`serving the greeter at ${url}\n`);
