import { StatefoldError } from "../base/errors.ts";

/** Reads what JSON brought, and says where it is not what it must be: StatefoldError SNAPSHOT_CORRUPT. */
export class Fields {
  readonly all: Readonly<Record<string, unknown>>;
  readonly #name: string;
  readonly #path: string;

  private constructor(name: string, path: string, all: Readonly<Record<string, unknown>>) {
    this.#name = name;
    this.#path = path;
    this.all = all;
  }

  static of(name: string, value: unknown, path = ""): Fields {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isObject) return new Fields(name, path, value as Readonly<Record<string, unknown>>);
    throw new StatefoldError("SNAPSHOT_CORRUPT", `${name}: ${path || "it"} is no object`);
  }

  has(field: string): boolean {
    return this.all[field] !== undefined;
  }

  text(field: string): string {
    const value = this.all[field];
    if (typeof value !== "string") throw this.wrong(field, "is no text");
    return value;
  }

  /** A whole number, not negative. */
  count(field: string): number {
    const value = this.all[field];
    if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
    throw this.wrong(field, "is no whole number");
  }

  flag(field: string): boolean {
    const value = this.all[field];
    if (typeof value !== "boolean") throw this.wrong(field, "is neither true nor false");
    return value;
  }

  texts(field: string): string[] {
    return this.#list(field).map((each) => {
      if (typeof each !== "string") throw this.wrong(field, "holds what is no text");
      return each;
    });
  }

  object(field: string): Fields {
    return Fields.of(this.#name, this.all[field], this.#at(field));
  }

  objects(field: string): Fields[] {
    return this.#list(field).map((each, i) =>
      Fields.of(this.#name, each, `${this.#at(field)}[${i}]`),
    );
  }

  /** An object of whole numbers, by whatever names. */
  counts(field: string): ReadonlyMap<string, number> {
    const fields = this.object(field);
    return new Map(Object.keys(fields.all).map((key) => [key, fields.count(key)]));
  }

  wrong(field: string, why: string): StatefoldError {
    return new StatefoldError("SNAPSHOT_CORRUPT", `${this.#name}: ${this.#at(field)} ${why}`);
  }

  #at(field: string): string {
    return this.#path === "" ? field : `${this.#path}.${field}`;
  }

  #list(field: string): readonly unknown[] {
    const value = this.all[field];
    if (!Array.isArray(value)) throw this.wrong(field, "is no list");
    return value;
  }
}
