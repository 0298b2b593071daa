/**
 * Type names are `<namespace>/<name>`, split at exactly one '/', with neither part empty: the runtime's
 * rule in StateFun, for kinds, functions, values, ingresses and egresses alike.
 */
export interface TypeNameParts {
  readonly namespace: string;
  readonly name: string;
}

/** The two parts, or undefined when `text` is no type name. */
export function splitTypeName(text: string): TypeNameParts | undefined {
  if (!isTypeName(text)) return undefined;
  const slash = text.indexOf("/");
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

export function isTypeName(text: string): boolean {
  const slash = text.indexOf("/");
  return slash > 0 && slash < text.length - 1 && !text.includes("/", slash + 1);
}
