import { describeError, StatefoldError } from "../base/errors.ts";
import { consumerSettings, parseBootstrap, producerSettings } from "../kafka/properties.ts";
import type { Module } from "../spec/module.ts";
import type { Problem } from "../spec/problem.ts";

/** What is wrong, and what has no effect, in the addresses and properties of a module's Kafka. Opens nothing. */
export function kafkaProblems(module: Module): {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
} {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  for (const spec of [...module.ingresses, ...module.egresses]) {
    if (spec.kind !== "kafka") continue;
    const { place, address, properties } = spec;
    const isEgress = "delivery" in spec;
    const look = (field: string, at: () => readonly string[]): void => {
      const path = `spec.${field}`;
      try {
        for (const message of at()) warnings.push({ ...place, path, message });
      } catch (error) {
        if (!(error instanceof StatefoldError)) throw error;
        problems.push({ ...place, path, message: describeError(error) });
      }
    };
    look("address", () => {
      parseBootstrap(address);
      return [];
    });
    const settingsOf = isEgress ? producerSettings : consumerSettings;
    // Each by itself first: together the first mistake hides the others, and what has no effect.
    const right = new Map(properties);
    for (const [name, value] of properties) {
      const message = mistakeIn(() => settingsOf(new Map([[name, value]]), "check"));
      // Without the others something else may be missing.
      if (message?.startsWith(`the property ${name} must be`) !== true) continue;
      problems.push({ ...place, path: "spec.properties", message });
      right.delete(name);
    }
    look("properties", () => settingsOf(right, "check").warnings);
  }
  return { problems, warnings };
}

function mistakeIn(look: () => unknown): string | undefined {
  try {
    look();
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}
