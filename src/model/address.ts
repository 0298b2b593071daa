import { isTypeName } from "./type-name.ts";

/**
 * The logical address of one function instance: a type name `namespace/name` and an id.
 * Neither part of the type may be empty or hold another '/'; a target's id is not empty either.
 */
export interface Address {
  readonly type: string;
  readonly id: string;
}

/** The longest type name and id, in UTF-16 units: keys of the store must hold them. */
export const MAX_TYPE_LENGTH = 1_024;
export const MAX_ID_LENGTH = 4_096;

/** Why nothing can have this address; undefined when something can. */
export function addressProblem({ type, id }: Address): string | undefined {
  if (!isTypeName(type))
    return `${quoted(type)} is no function type: namespace/name, none of them empty`;
  if (id === "") return "its id is empty";
  if (type.length > MAX_TYPE_LENGTH) return `its type has more than ${MAX_TYPE_LENGTH} characters`;
  if (id.length > MAX_ID_LENGTH) return `its id has more than ${MAX_ID_LENGTH} characters`;
  return undefined;
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 200));

/**
 * One string for one address, for maps and logs. Unambiguous, since a type name holds exactly one '/'.
 */
export function addressKey(address: Address): string {
  return `${address.type}/${address.id}`;
}

/** The reverse of {@link addressKey}. */
export function addressOfKey(key: string): Address {
  const end = key.indexOf("/", key.indexOf("/") + 1);
  return { type: key.slice(0, end), id: key.slice(end + 1) };
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.id === b.id && a.type === b.type;
}
