/** A type name as the protocol has it, in two parts, and as the runtime has it. */
interface TypeName {
  readonly namespace: string;
  readonly name: string;
  /** `namespace/name` */
  readonly text: string;
}

/** So many are remembered, each where some of it says; a later one takes its place. */
const REMEMBERED = 256;
/** Longer ones are rare, and would take the room of many. */
const LONGEST_TEXT = 128;
const known = new Array<TypeName | undefined>(REMEMBERED).fill(undefined);

/**
 * `namespace/name`. There are few, and they come with each message: mostly a text that was made before is given again,
 * which maps find without looking at it, and which takes no memory of its own for as long as a message waits.
 */
export function typeNameOf(namespace: string, name: string): string {
  // Nothing stands at the end of an empty text: not a number, and so 0.
  const last = name.charCodeAt(name.length - 1) >>> 0;
  const place = (namespace.length * 31 + name.length * 7 + last) % REMEMBERED;
  const found = known[place];
  if (found?.name === name && found.namespace === namespace) return found.text;
  const text = `${namespace}/${name}`;
  if (text.length <= LONGEST_TEXT) known[place] = { namespace, name, text };
  return text;
}
