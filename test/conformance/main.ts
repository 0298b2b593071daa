/**
 * `npm run conformance -- URL`: asks a running server whether it speaks frames as docs/frames.md has them.
 * What it has to serve stands in contracts/frames-server.ts.
 */
import { framesServerContract } from "../contracts/frames-server.ts";

const [url] = process.argv.slice(2);
if (url === undefined || !URL.canParse(url)) {
  process.stderr.write("usage: npm run conformance -- URL\n");
  process.exitCode = 2;
} else framesServerContract(url, async () => url);
