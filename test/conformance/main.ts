/**
 * `npm run conformance -- URL`: asks a running server whether it speaks frames as docs/frames.md has them, which also says
 * what it has to serve. Ends with 1 when a check fails, and with 2, before any, when there is nothing to ask.
 */
import { framesServerContract } from "../contracts/frames-server.ts";
import { objectionTo } from "./objection.ts";

const [url = "", ...more] = process.argv.slice(2);
const objection =
  url === "" || more.length > 0 ? "usage: npm run conformance -- URL" : await objectionTo(url);
if (objection !== undefined) {
  process.stderr.write(`${objection}\n`);
  process.exitCode = 2;
} else framesServerContract(url, async () => url);
