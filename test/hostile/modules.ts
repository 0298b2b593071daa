/** Module files that nobody should write: a module, or a list of problems that says where and what. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadModule } from "../../src/spec/load-module.ts";
import { FakeIo } from "../cli/fake-io.ts";
import { EVERY_KIND, LEGACY } from "../spec/every-kind.ts";
import type { Rng } from "../support/rng.ts";
import type { Attack } from "./attack.ts";
import { anyNumber, anyText, mangled } from "./words.ts";

/** Longer than any module may take, on a slow machine. */
const MAX_MS = 5_000;

/** A placeholder of the module's own. */
const OPEN_A = "$".concat("{A}");

const CORPUS = [...EVERY_KIND, LEGACY];

export const moduleAttack: Attack = {
  name: "module",
  strike: (rng, show) => {
    const text = anyModule(rng);
    show(text);
    const values = new Map([["A", rng.pick(["x", OPEN_A, "*a", ": {", "\n- 1", "__proto__"])]]);
    const startedAtMs = performance.now();
    const { module, problems, warnings } = loadModule([{ file: "module.yaml", text }], {
      variables: (name) => values.get(name),
      fileExists: () => rng.chance(0.5),
    });
    const tookMs = performance.now() - startedAtMs;
    assert(tookMs < MAX_MS, `it took ${tookMs} ms`);
    assert.equal(module === undefined, problems.length > 0);
    for (const { file, line, column, path, message } of [...problems, ...warnings]) {
      assert.equal(file, "module.yaml");
      assert(
        Number.isSafeInteger(line) && line >= 1 && Number.isSafeInteger(column) && column >= 1,
      );
      assert.equal(typeof path, "string");
      assert.match(message, /^[^\n]{3,}$/);
      assert(message.length < 10_000, `a message of ${message.length} characters`);
    }
    assert.equal(Reflect.get({}, "polluted"), undefined, "a prototype was reached");
    if (module !== undefined) return "a module";
    return problems.length === 1 ? "1 problem" : "several problems";
  },
};

/** The same files through `statefold check`, as somebody sees them. */
export function checkAttack(): Attack & { readonly end: () => void } {
  const directory = mkdtempSync(join(tmpdir(), "statefold-hostile-"));
  return {
    name: "check",
    end: () => rmSync(directory, { recursive: true, force: true }),
    strike: async (rng, show) => {
      const text = rng.chance(0.1) ? Buffer.from(rng.bytes(200)) : anyModule(rng);
      show(String(text));
      writeFileSync(join(directory, "module.yaml"), text);
      const io = new FakeIo();
      io.directory = directory;
      const json = rng.chance(0.3);
      const setting = anyText(rng);
      const set = rng.chance(0.3) ? ["--set", `A=${setting}`] : [];
      const { code, out, err } = await io.run([
        "check",
        "module.yaml",
        ...set,
        ...(json ? ["--json"] : []),
      ]);
      // A word that is no text is refused before the module is looked at.
      if (code === 2 && set.length > 0 && !isText(setting)) return "exit 2";
      assert(code === 0 || code === 1, `exit ${code}: ${err.slice(0, 500)}`);
      assert.doesNotMatch(err + out, /\n\s+at .*\.js:\d+/, "a stack trace");
      if (json) assert.equal((JSON.parse(out) as { fine: boolean }).fine, code === 0);
      else if (code === 1) assert.match(out, /^module\.yaml:\d+:\d+ ?/m);
      return `exit ${code}`;
    },
  };
}

const isText = (text: string): boolean => Buffer.from(text).toString() === text;

function anyModule(rng: Rng): string {
  const documents = Array.from({ length: 1 + rng.int(3) }, () => rng.pick(CORPUS));
  let text = documents.join("---\n");
  for (let edits = rng.int(4); edits >= 0; edits--) text = edited(rng, text);
  return text;
}

function edited(rng: Rng, text: string): string {
  const lines = text.split("\n");
  const at = rng.int(lines.length);
  const line = lines[at] ?? "";
  switch (rng.int(9)) {
    case 0:
    case 1:
    case 2: {
      // Another value for a field.
      const colon = line.indexOf(": ");
      if (colon < 0) return edited(rng, text);
      return lines.with(at, `${line.slice(0, colon)}: ${anyValue(rng, 3)}`).join("\n");
    }
    case 3: {
      const indent = /^ */.exec(line)?.[0] ?? "";
      return lines.toSpliced(at, 0, `${indent}${rng.pick(NAMES)}: ${anyValue(rng, 3)}`).join("\n");
    }
    case 4:
      return lines.toSpliced(at, 1).join("\n");
    case 5:
      return lines.toSpliced(at, 0, rng.pick(lines)).join("\n");
    case 6:
      return Buffer.from(mangled(rng, Buffer.from(text))).toString(
        rng.chance(0.5) ? "utf8" : "latin1",
      );
    case 7:
      return text + rng.pick(BOMBS)(rng);
    default:
      return lines.with(at, " ".repeat(rng.int(6)) + line.trimStart()).join("\n");
  }
}

const NAMES = [
  ...[
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "kind",
    "spec",
    "<<",
    "? [a]",
    "*a",
    "&b x",
  ],
  ...[
    "type",
    "id",
    "transport",
    "retry",
    "topics",
    "functions",
    "module",
    "properties",
    "polluted",
  ],
];

const SCALARS = [
  ...["", "~", "null", "true", "no", "0", "-1", "1e999", ".inf", ".nan", "0o17", "0x1F", "1_000"],
  ...["9".repeat(400), "2020-02-30", "!!binary Zm9v", "!!int x", "!!set {a}", "!!js/function 'x'"],
  ...[
    "*nobody",
    "&a x",
    "|",
    ">-",
    "'",
    '"',
    '"\\ud800"',
    '"\\x00"',
    "[",
    "{",
    OPEN_A,
    "${",
    `\${A:-${OPEN_A}}`,
  ],
  ...[
    "io.statefun.kafka.v1/egress",
    "demo/*",
    "a/b/c",
    "http://h:99999",
    "http://[::1",
    "PT",
    "1 year",
  ],
];

function anyValue(rng: Rng, depth: number): string {
  switch (rng.int(depth > 0 ? 7 : 4)) {
    case 0:
      return JSON.stringify(anyText(rng));
    case 1:
      return String(anyNumber(rng));
    case 2:
    case 3:
      return rng.pick(SCALARS);
    case 4:
      return `[${Array.from({ length: rng.int(4) }, () => anyValue(rng, depth - 1)).join(", ")}]`;
    case 5:
      return `{${rng.pick(NAMES)}: ${anyValue(rng, depth - 1)}}`;
    default:
      return `&a {__proto__: {polluted: 1}, a: ${anyValue(rng, depth - 1)}}`;
  }
}

/** Documents that grow when they are read. */
const BOMBS: readonly ((rng: Rng) => string)[] = [
  (rng) => {
    const levels = 2 + rng.int(30);
    const lines = Array.from({ length: levels }, (_, i) => {
      const items = Array(9).fill(i === 0 ? "x" : `*l${i - 1}`);
      return `l${i}: &l${i} [${items.join(", ")}]`;
    });
    return `---\n${lines.join("\n")}\n`;
  },
  (rng) => {
    const levels = 2 + rng.int(30);
    const lines = Array.from({ length: levels }, (_, i) => {
      const bases = i === 0 ? "" : `<<: [*m${i - 1}, *m${i - 1}], `;
      return `m${i}: &m${i} {${bases}k${i}: v}`;
    });
    return `---\n${lines.join("\n")}\n`;
  },
  () => "---\na: &a [*a, *a]\n",
  () => "---\na: &a {b: *a}\n",
  (rng) => `---\n${"[".repeat(1 + rng.int(5_000))}`,
  (rng) => `---\n${"{a: ".repeat(1 + rng.int(5_000))}`,
  (rng) => `---\n${"- ".repeat(1 + rng.int(5_000))}x`,
  (rng) => `---\n${"? ".repeat(1 + rng.int(5_000))}x`,
  (rng) => `---\nkind: ${"x".repeat(rng.int(200_000))}\n`,
  (rng) => "---\n".repeat(rng.int(3_000)),
  (rng) => `---\n${Array.from({ length: rng.int(5_000) }, (_, i) => `k${i}: ${i}`).join("\n")}\n`,
  (rng) => `---\nkind: "${OPEN_A.repeat(rng.int(20_000))}"\n`,
  (rng) => `---\n"${"\\u0041".repeat(rng.int(20_000))}": ${"#".repeat(rng.int(10_000))}\n`,
];
