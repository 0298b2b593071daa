import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { madeOnce } from "../made-once.ts";

/** Of the brokers that tests start. */
export const KAFKA_VERSION = "4.4.0";

/** Of the command line tools: those of the broker's version are not published. */
const TOOLS_VERSION = "4.2.0";

/** The folder with a broker's jars, from Maven's own repository the first time (about 45 MB). */
export async function kafkaLibraries(version = KAFKA_VERSION): Promise<string> {
  return await libraries(`kafka-${version}`, broker(version));
}

/** The same with Kafka's command line tools and all they need (24 MB). */
export async function kafkaTools(): Promise<string> {
  return await libraries(`kafka-tools-${TOOLS_VERSION}`, TOOLS);
}

async function libraries(name: string, dependencies: string): Promise<string> {
  const project = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>statefold.test</groupId><artifactId>kafka</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>${dependencies}
    ${dependency("org.slf4j:slf4j-simple:1.7.36")}
  </dependencies>
</project>
`;
  return await madeOnce(name, { files: [], words: [project] }, async (folder) => {
    writeFileSync(join(folder, "pom.xml"), project);
    const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
    const words = ["-q", "-B", goal, "-DincludeScope=runtime", `-DoutputDirectory=${folder}`];
    await promisify(execFile)("mvn", words, { cwd: folder });
  });
}

/** @param without which of the things it names, `group:artifact`, `*` for any */
function dependency(name: string, without?: string): string {
  const [group, artifact, version] = name.split(":");
  const [groups, artifacts] = (without ?? "").split(":");
  const excluded = `<exclusions><exclusion>
      <groupId>${groups}</groupId><artifactId>${artifacts}</artifactId>
    </exclusion></exclusions>`;
  return `<dependency>
      <groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>
    ${without === undefined ? "" : excluded}</dependency>`;
}

/** `kafka-tools-api` is named by the broker and not published; it runs without. */
const broker = (version: string): string =>
  dependency(`org.apache.kafka:kafka_2.13:${version}`, "org.apache.kafka:kafka-tools-api");

/** They name all of Kafka Connect too, which those that are used here do not need. */
const TOOLS = [
  dependency(`org.apache.kafka:kafka-tools:${TOOLS_VERSION}`, "*:*"),
  dependency(`org.apache.kafka:kafka-server-common:${TOOLS_VERSION}`),
  dependency("net.sf.jopt-simple:jopt-simple:5.0.4"),
  dependency("com.google.re2j:re2j:1.8"),
  dependency("com.fasterxml.jackson.dataformat:jackson-dataformat-csv:2.19.2"),
  dependency("com.fasterxml.jackson.datatype:jackson-datatype-jdk8:2.19.2"),
].join("\n    ");
