import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";

/** Not ours, or made by the build. */
const ELSEWHERE = new Set(["node_modules", "dist", "generated", ".git"]);

/** Every Markdown file of the repository, from its root. */
function markdownFiles(folder = "."): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return ELSEWHERE.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

/** What stands in a fence is text to copy: no link, no heading. */
const withoutFences = (text: string): string =>
  text.replaceAll(/^(```+|~~~+)[\s\S]*?^\1\s*$/gm, "");

/** The anchors that GitHub gives the headings of a text; a heading met again is numbered. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutFences(text).matchAll(/^#{1,6} +(.*?)\s*#*$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-");
    let unique = anchor;
    for (let again = 1; anchors.has(unique); again++) unique = `${anchor}-${again}`;
    anchors.add(unique);
  }
  return anchors;
}

/** The targets of all links and pictures in a text. */
function linksOf(text: string): string[] {
  const prose = withoutFences(text).replaceAll(/(`+)[^`][\s\S]*?\1/g, "code");
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)];
  const html = [...prose.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)];
  return [...inline, ...html].map(([, target = ""]) => target);
}

/** Why a link leads nowhere; undefined when it leads somewhere, or out of the repository. */
function problemOf(file: string, link: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return undefined;
  const [path = "", anchor] = link.split("#", 2);
  const target = path === "" ? file : posix.join(posix.dirname(file), decodeURIComponent(path));
  if (target.startsWith("..")) return "leaves the repository";
  if (!existsSync(target)) return `${target} does not exist`;
  if (anchor === undefined || !target.endsWith(".md") || statSync(target).isDirectory()) {
    return undefined;
  }
  const anchors = anchorsOf(readFileSync(target, "utf8"));
  return anchors.has(anchor) ? undefined : `${target} has no heading #${anchor}`;
}

test("every link in the documentation leads somewhere", () => {
  const files = markdownFiles();
  assert(files.includes("README.md"), "the README is among the files looked through");
  const problems = files.flatMap((file) =>
    linksOf(readFileSync(file, "utf8")).flatMap((link) => {
      const problem = problemOf(file, link);
      return problem === undefined ? [] : [`${file}: ${link}: ${problem}`];
    }),
  );
  assert.deepEqual(problems, []);
});

test("every page in docs/ is listed in its index", () => {
  const index = linksOf(readFileSync("docs/README.md", "utf8"));
  const pages = readdirSync("docs").filter((name) => name.endsWith(".md") && name !== "README.md");
  assert.deepEqual(
    pages.filter((page) => !index.includes(page)),
    [],
  );
});
