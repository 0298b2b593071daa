import { expandUrlTemplate, UNKNOWN_PLACEHOLDER } from "../endpoint-url.ts";
import type { Reader } from "../reader/reader.ts";
import { scalar } from "../reader/scalars.ts";

/** Tried with a name that fits everywhere, so that what is left to refuse is the template's own mistake. */
const SAMPLE_NAME = "x";

export const urlPathTemplate: Reader<string> = scalar(
  'the URL of the functions, such as http://host:8000/statefun, in which "{function.name}" stands for the name',
  (template, at) => {
    const url = expandUrlTemplate(template, SAMPLE_NAME);
    if (typeof url === "string") return at.problem(url);
    const unknown = UNKNOWN_PLACEHOLDER.exec(template)?.[0];
    if (unknown !== undefined) {
      at.warning(`${unknown} is not replaced; the only placeholder is {function.name}`);
    }
    return template;
  },
);
