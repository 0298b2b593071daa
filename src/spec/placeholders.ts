/**
 * `${NAME}` and `${NAME:-default}` inside the values of a module.
 *
 *     text        = { character | dollars "{" … | placeholder }
 *     placeholder = "${" NAME [ ":-" default ] "}"        default: any text with balanced braces,
 *                                                         which may hold placeholders itself
 *     NAME        = letter or "_", then letters, digits, "_", ".", "-"
 *
 * The default also stands in for an empty value, as in a shell. Directly before `{` each `$$` stands for
 * one `$`: `$${NAME}` is the text `${NAME}`, `$$${NAME}` is a `$` and the value. A `$` anywhere else is
 * itself. Values are not looked into again.
 */
export type Lookup = (name: string) => string | undefined;

export type Expansion =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly mistake: string };

/** Defaults inside defaults; nobody writes more, and recursion wants a bound. */
const MAX_NESTING = 8;

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

export function hasPlaceholder(text: string): boolean {
  return text.includes("${");
}

export function expandPlaceholders(text: string, lookup: Lookup): Expansion {
  const mistakes: string[] = [];
  const expanded = expand(text, lookup, mistakes, 0);
  if (mistakes.length > 0) return { ok: false, mistake: mistakes.join("; ") };
  return { ok: true, text: expanded };
}

function expand(text: string, lookup: Lookup, mistakes: string[], nesting: number): string {
  let expanded = "";
  let position = 0;
  for (;;) {
    const open = text.indexOf("${", position);
    if (open === -1) return expanded + text.slice(position);
    let firstDollar = open;
    while (firstDollar > position && text[firstDollar - 1] === "$") firstDollar--;
    const dollars = open - firstDollar + 1;
    expanded += text.slice(position, firstDollar) + "$".repeat(Math.floor(dollars / 2));
    if (dollars % 2 === 0) {
      expanded += "{";
      position = open + 2;
      continue;
    }
    const close = closingBrace(text, open + 2);
    if (close === -1 || nesting === MAX_NESTING) {
      mistakes.push(
        close === -1
          ? `"\${" is never closed by "}"; to mean the characters themselves, write "$\${"`
          : `placeholders are nested deeper than ${MAX_NESTING}`,
      );
      return expanded;
    }
    expanded += replacement(text.slice(open + 2, close), lookup, mistakes, nesting);
    position = close + 1;
  }
}

function replacement(inner: string, lookup: Lookup, mistakes: string[], nesting: number): string {
  const separator = inner.indexOf(":-");
  const name = separator === -1 ? inner : inner.slice(0, separator);
  if (!NAME.test(name)) {
    const advice = `a name has letters, digits, "_", "." and "-"; to mean the characters themselves, write "$\${"`;
    mistakes.push(`"\${${inner.slice(0, 60)}}" names no variable: ${advice}`);
    return "";
  }
  const value = lookup(name);
  if (separator !== -1 && (value === undefined || value === "")) {
    return expand(inner.slice(separator + 2), lookup, mistakes, nesting + 1);
  }
  if (value === undefined) {
    const ways = `--set ${name}=VALUE, the environment, or a default: \${${name}:-VALUE}`;
    mistakes.push(`the variable ${name} has no value; it can come from ${ways}`);
  }
  return value ?? "";
}

/** The index of the `}` that ends what began before `start`, or -1. */
function closingBrace(text: string, start: number): number {
  let open = 1;
  for (let index = start; index < text.length; index++) {
    if (text[index] === "{") open++;
    else if (text[index] === "}" && --open === 0) return index;
  }
  return -1;
}
