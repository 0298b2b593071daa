import { readFileSync } from "node:fs";

/** The commands that a page shows in its `sh` blocks, without comments; what `\` continues is one. */
export function commandsOf(page: string): string[] {
  const blocks = readFileSync(page, "utf8").matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm);
  const text = [...blocks].map(([, block = ""]) => block.replaceAll(/\\\n\s*/g, "")).join("\n");
  const lines = text.split("\n").map((line) => line.replace(/ +# .*$/, "").trim());
  return lines.filter((line) => line !== "");
}
