import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

/** What opens the client's key: read from a file, as StateFun does. */
const PASSWORD = "open, sesame";

/**
 * An authority, and certificates of it for a server at 127.0.0.1 and for a client, in PEM: `ca.pem`,
 * `server.pem`, `server-key.pem`, `client.pem`, `client-key.pem` and its `client-key-password.txt`.
 */
export async function makeCertificates(folder: string): Promise<void> {
  const file = (name: string) => join(folder, name);
  writeFileSync(file("client-key-password.txt"), PASSWORD);
  const always = ["-days", "2", "-batch"];
  const ca = ["-keyout", file("ca-key.pem"), "-nodes", "-out", file("ca.pem")];
  await run("openssl", ["req", "-x509", ...KEY, ...ca, "-subj", "/CN=authority", ...always]);
  const sign = async (name: string, secret: readonly string[], extensions: readonly string[]) => {
    const issuer = ["-CA", file("ca.pem"), "-CAkey", file("ca-key.pem")];
    const files = ["-keyout", file(`${name}-key.pem`), ...secret, "-out", file(`${name}.pem`)];
    const subject = ["-subj", `/CN=${name}`, ...extensions, "-addext", "basicConstraints=CA:FALSE"];
    await run("openssl", ["req", "-x509", ...KEY, ...issuer, ...files, ...subject, ...always]);
  };
  await sign("server", ["-nodes"], ["-addext", "subjectAltName=IP:127.0.0.1"]);
  await sign("client", ["-passout", `pass:${PASSWORD}`], []);
}
