import { fileURLToPath } from "node:url";

/** A file beside this one that is not compiled with the tests, such as a program in another language. */
export function source(path: string): string {
  return fileURLToPath(new URL(`../../../../test/real/sdks/${path}`, import.meta.url));
}
