/**
 * Makes a checkout ready to run: dependencies, generated protocol code, compiled output. Each step is
 * skipped when what it makes is newer than what it is made from, so a second call costs next to nothing.
 * It runs before anything is installed: Node's own modules only.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

const modifiedAt = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

function newest(folder, ending) {
  if (!existsSync(join(root, folder))) return 0;
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name.endsWith(ending)) // a folder's time tells of a file removed
    .reduce((latest, entry) => Math.max(latest, modifiedAt(join(entry.parentPath, entry.name))), 0);
}

function run(what, command, args) {
  try {
    execFileSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  } catch {
    process.stderr.write(`\n${what} failed: ${command} ${args.join(" ")}\n`);
    process.exit(1);
  }
}

function install() {
  const lock = join(root, "package-lock.json");
  if (modifiedAt(join(root, "node_modules/.package-lock.json")) >= modifiedAt(lock)) return;
  process.stderr.write("installing dependencies …\n");
  run("Installing the dependencies", "npm", ["ci", "--no-audit", "--no-fund"]);
}

/** One static ES module and its declarations from the .proto files of one folder. */
function generate(folder, target, name) {
  const script = join(root, target, `${name}.js`);
  const declarations = join(root, target, `${name}.d.ts`);
  const changedAt = Math.max(newest(folder, ".proto"), modifiedAt(fileURLToPath(import.meta.url)));
  if (modifiedAt(declarations) >= changedAt && modifiedAt(script) >= changedAt) return;
  process.stderr.write(`generating ${target}/${name}.js …\n`);
  mkdirSync(join(root, target), { recursive: true });
  const files = readdirSync(join(root, folder))
    .filter((file) => file.endsWith(".proto"))
    .map((file) => join(root, folder, file));
  const bin = join(root, "node_modules/protobufjs-cli/bin");
  // A root of its own: nothing of ours may land in a name space that other packages share.
  const options = ["-t", "static-module", "-w", "es6", "--root", `statefold.${name}`];
  const lean = ["--no-create", "--no-verify", "--no-convert", "--no-delimited"];
  const compile = [join(bin, "pbjs"), ...options, ...lean, "-o", script, ...files];
  run("Generating the protocol", process.execPath, compile);
  run("Generating the declarations", process.execPath, [
    join(bin, "pbts"),
    "-o",
    declarations,
    script,
  ]);
}

/** What was compiled from a source that is gone must not be run by the tests. */
function removeOrphans() {
  for (const folder of ["src", "test", "bench", "examples"]) {
    const compiled = join(root, "dist", folder);
    if (!existsSync(compiled)) continue;
    for (const name of readdirSync(compiled, { recursive: true })) {
      const source = /^(.*)(\.d\.ts|\.js|\.js\.map)$/.exec(name)?.[1];
      if (source === undefined || existsSync(join(root, folder, `${source}.ts`))) continue;
      rmSync(join(compiled, name));
    }
  }
}

function build() {
  const stamp = join(root, "dist/.built");
  const sources = ["src", "test", "bench", "examples", "sdk/src"].map((folder) =>
    newest(folder, ".ts"),
  );
  const configs = [
    "tsconfig.json",
    "tsconfig.base.json",
    "sdk/tsconfig.json",
    "sdk/generated/protocol.d.ts",
  ];
  const changedAt = Math.max(...sources, ...configs.map((file) => modifiedAt(join(root, file))));
  if (modifiedAt(stamp) > changedAt) return;
  removeOrphans();
  run("Compiling", process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b"]);
  writeFileSync(stamp, "");
}

install();
generate("proto/statefun", "sdk/generated", "protocol");
generate("proto/statefold", "generated", "stored");
build();
