/** A script to be started by tests: `echo-server.js PORT [crash|deaf]`. */
import { createServer } from "node:http";

const [port, manner] = process.argv.slice(2);
if (manner === "crash") throw new Error("crashed on purpose");
if (manner === "deaf") process.on("SIGTERM", () => process.stderr.write("heard SIGTERM\n"));
createServer((request, response) => response.end(request.url)).listen(
  Number(port),
  "127.0.0.1",
  () => process.stdout.write(`pid ${process.pid} listens on ${port}\n`),
);
