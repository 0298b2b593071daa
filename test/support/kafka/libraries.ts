import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Of the brokers that tests start. */
export const KAFKA_VERSION = "4.4.0";

const CACHE = fileURLToPath(new URL("../../../../node_modules/.cache/", import.meta.url));

/**
 * The folder with a broker's jars, from Maven's own repository the first time (about 45 MB). Several test
 * processes may ask at once: whoever is done first puts the folder in its place.
 */
export async function kafkaLibraries(version = KAFKA_VERSION): Promise<string> {
  const home = join(CACHE, `kafka-${version}`);
  if (existsSync(home)) return home;
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(join(CACHE, "kafka-draft-"));
  writeFileSync(join(draft, "pom.xml"), pom(version));
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
  const jars = join(draft, "jars");
  const words = ["-q", "-B", goal, "-DincludeScope=runtime", `-DoutputDirectory=${jars}`];
  await promisify(execFile)("mvn", words, { cwd: draft });
  try {
    renameSync(jars, home);
  } catch (error) {
    if (!existsSync(home)) throw error;
  }
  return home;
}

/** `kafka-tools-api` is named by the broker and not published; it runs without. */
const pom = (version: string): string => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>statefold.test</groupId><artifactId>broker</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>${version}</version>
      <exclusions><exclusion>
        <groupId>org.apache.kafka</groupId><artifactId>kafka-tools-api</artifactId>
      </exclusion></exclusions>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`;
