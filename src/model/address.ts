/**
 * The logical address of one function instance: a type name `namespace/name` and an id.
 * Neither part of the type may be empty or hold another '/'; a target's id is not empty either.
 */
export interface Address {
  readonly type: string;
  readonly id: string;
}

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
