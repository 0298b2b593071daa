/** A value with the name of its type. The runtime keeps all of it exactly and never looks inside. */
export interface TypedValue {
  readonly typename: string;
  /** False: no value at all. True with zero bytes: a present value that is empty (zero, "", false). */
  readonly hasValue: boolean;
  readonly value: Uint8Array;
  /** Field 4 of the wire's TypedValue, kept for a fork that carries record headers there. */
  readonly metadata?: Readonly<Record<string, Uint8Array>>;
}
