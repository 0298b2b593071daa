import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { madeOnce } from "../../support/made-once.ts";
import { startScript } from "../../support/process.ts";
import { JAVA, JAVAC, MAVEN } from "../../support/toolchain.ts";
import type { Sdk } from "./check.ts";
import { source } from "./source.ts";

const run = promisify(execFile);

const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/** The SDK and a reader of JSON; compared with the checksums noted beside the POM. */
async function jars(): Promise<string> {
  const files = ["java/pom.xml", "java/jars.sha256"].map(source);
  return madeOnce("sdk-java", { files }, async (folder) => {
    mkdirSync(join(folder, "work"));
    copyFileSync(source("java/pom.xml"), join(folder, "work/pom.xml"));
    const words = ["-q", "-B", "-C", COPY, "-DincludeScope=runtime", `-DoutputDirectory=${folder}`];
    await run("mvn", words, { cwd: join(folder, "work") });
    const found = readdirSync(folder).filter((name) => name.endsWith(".jar"));
    const sums = found.map((name) => {
      const sum = createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex");
      return `${sum}  ${name}\n`;
    });
    assert.equal(sums.sort().join(""), readFileSync(source("java/jars.sha256"), "utf8"));
  });
}

async function classes(classPath: string): Promise<string> {
  const file = source("java/Functions.java");
  const sources = { files: [file], words: [classPath] };
  return madeOnce("sdk-java-classes", sources, async (folder) => {
    await run("javac", ["-cp", classPath, "-d", folder, file]);
  });
}

export const java: Sdk = {
  name: "official Java SDK",
  needs: [JAVA, JAVAC, MAVEN],
  start: async (t, args) => {
    const library = join(await jars(), "*");
    const classPath = `${await classes(library)}:${library}`;
    const jvm = [
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Dsun.net.httpserver.nodelay=true",
    ];
    return startScript(t, {
      ...{ program: "java", script: jvm[0] ?? "", ready: /serving/, readyTimeoutMs: 60_000 },
      args: (port) => [...jvm.slice(1), "-Xmx128m", "-cp", classPath, "Functions", ...args(port)],
    });
  },
};
