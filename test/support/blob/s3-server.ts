import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { env as environment } from "node:process";
import { promisify } from "node:util";
import { atEnd, type Scope } from "../cleanup.ts";
import { madeOnce } from "../made-once.ts";
import { freePort, Script, type ScriptOptions } from "../process.ts";
import { tempDir } from "../temp.ts";
import { GO } from "../toolchain.ts";

/** What a test with a real S3 server needs. */
export const S3_TOOLS = [GO];

const VERSION = "v1.8.0";
const BUCKET = "snapshots";

/** A real S3 server, in a folder of its own. */
export interface S3Server {
  /** With endpoint and path style: what `openBlobStore` takes, or `--snapshots`. */
  url(prefix: string): string;
  readonly endpoint: string;
  readonly bucket: string;
  /** Credentials and region as every SDK finds them; they are in this process's environment, too. */
  readonly env: Readonly<Record<string, string>>;
  /** For kill, stop, restart: the address and the data stay. */
  readonly script: Script;
}

/** Of the server's only user; found by what runs in this process, and by what is started with `env`. */
export const S3_CREDENTIALS = {
  AWS_ACCESS_KEY_ID: "statefold",
  AWS_SECRET_ACCESS_KEY: "statefold-secret",
  AWS_EC2_METADATA_DISABLED: "true",
};

/**
 * Starts versitygw on a free port; it ends with the test. Takes half a second, the first time on a machine a few
 * minutes more, in which Go builds it.
 */
export async function startS3(t: Scope): Promise<S3Server> {
  const server = await s3In(tempDir(t));
  atEnd(t, () => server.script.kill());
  await server.script.start();
  return server;
}

/**
 * The same in an empty folder, to be started, and to be ended, by whoever asks.
 *
 * @param isKilled it may be killed while it writes: an object and what belongs to it are replaced at once then, for which
 *   the file system must know extended attributes
 */
export async function s3In(folder: string, isKilled = false): Promise<S3Server> {
  const program = join(await versitygw(), "versitygw");
  const [data, attributes] = [join(folder, "data"), join(folder, "attributes")];
  mkdirSync(join(data, BUCKET), { recursive: true });
  mkdirSync(attributes);
  Object.assign(environment, S3_CREDENTIALS);
  const options: ScriptOptions = {
    program,
    script: "--quiet",
    args: (port) => [
      ...["--port", `127.0.0.1:${port}`, "--health", "/health"],
      ...["posix", ...(isKilled ? [] : ["--sidecar", attributes]), data],
    ],
    env: {
      ROOT_ACCESS_KEY: S3_CREDENTIALS.AWS_ACCESS_KEY_ID,
      ROOT_SECRET_KEY: S3_CREDENTIALS.AWS_SECRET_ACCESS_KEY,
    },
    ready: async ({ url }) => (await fetch(`${url}/health`)).ok,
    readyTimeoutMs: 60_000,
  };
  const script = new Script(options, await freePort());
  return {
    endpoint: script.url,
    bucket: BUCKET,
    env: S3_CREDENTIALS,
    script,
    url: (prefix) => s3Url(script.url, prefix),
  };
}

/** The same bucket at another endpoint, such as a proxy before it. */
export function s3Url(endpoint: string, prefix: string): string {
  return `s3://${BUCKET}/${prefix}?endpoint=${endpoint}&pathStyle=true`;
}

function versitygw(): Promise<string> {
  return madeOnce("versitygw", { files: [], words: [VERSION] }, async (folder) => {
    const program = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
    const env = { ...environment, GOBIN: folder };
    await promisify(execFile)("go", ["install", program], { cwd: folder, env });
  });
}
