/**
 * The options of a command. One that is a `setting` also comes from the environment, as `STATEFOLD_` and
 * its name in capitals, and from statefold.yaml; the command line wins over the environment, that over the
 * file, and that over the default.
 */
export interface OptionSpec {
  /** As it is typed after the two dashes. */
  readonly name: string;
  /** A flag has no value; a list may be given several times. */
  readonly kind: "text" | "flag" | "list";
  /** Stands for the value in help: "URL". */
  readonly placeholder?: string;
  readonly description: string;
  readonly fallback?: string;
  readonly setting?: boolean;
}

/** The name of a setting in the environment. */
export function variableOf(name: string): string {
  return `STATEFOLD_${name.toUpperCase().replaceAll("-", "_")}`;
}
