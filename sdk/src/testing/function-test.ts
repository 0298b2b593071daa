/**
 * One instance of one function under test: its state, and what it does with a message. It runs the same
 * code as the handler that serves the function, with values written and read as on the wire, and no network.
 */
import { type Address, describeAddress, toWire } from "../address.ts";
import { runBatch } from "../batch.ts";
import { describeThrown, SdkError } from "../errors.ts";
import type { FunctionDefinition, StatefulFunction } from "../function.ts";
import { changeOf } from "../handler.ts";
import { StateCell, type StateOf, type States } from "../state.ts";
import { serializeAs, typedValue, type ValueType } from "../types/value-type.ts";
import { difference } from "./difference.ts";
import { type PlainEffects, plainEffects } from "./plain-effects.ts";

export interface FunctionTestOptions {
  /** The instance's id. Default: "test". */
  readonly id?: string;
  /** Who sends, unless a message says otherwise. Default: nobody. */
  readonly caller?: Address;
  /** What `ctx.now()` says at first, in ms since the epoch. Default: 1 700 000 000 000. */
  readonly now?: number;
  /**
   * Handles every message twice, from the same state, as a runtime does when an answer was lost, and fails
   * when the two differ: then a handler draws on a clock, on randomness, or on memory of its own.
   * Default: false.
   */
  readonly redeliver?: boolean;
}

export interface MessageOptions {
  readonly caller?: Address;
  /** Default: "message-1", "message-2", … */
  readonly messageId?: string;
  /** Default: 1. */
  readonly attempt?: number;
  readonly traceparent?: string;
  readonly headers?: ReadonlyArray<{ readonly key: string; readonly value: Uint8Array }>;
}

interface Run {
  readonly effects: PlainEffects;
  readonly stored: ReadonlyArray<Uint8Array | undefined>;
}

/** Made by {@link testFunction}. */
export class FunctionTest<S extends States> {
  readonly address: Address;
  /** Read it, or set the scene: values are written and read as the runtime would store them. */
  readonly state: StateOf<S>;
  /** What `ctx.now()` says at the next message, in ms since the epoch. */
  now: number;
  readonly #definition: FunctionDefinition;
  readonly #caller: Address | undefined;
  readonly #redeliver: boolean;
  #stored: ReadonlyArray<Uint8Array | undefined>;
  #messages = 0;

  constructor(fn: StatefulFunction<S>, options: FunctionTestOptions) {
    this.#definition = fn.definition;
    this.address = fn.at(options.id ?? "test");
    this.now = options.now ?? 1_700_000_000_000;
    this.#caller = options.caller;
    this.#redeliver = options.redeliver ?? false;
    this.#stored = fn.definition.names.map(() => undefined);
    this.state = this.#accessors() as StateOf<S>;
  }

  /**
   * Hands the function one message, applies what it does to its state, and gives back the rest of what it
   * did. When the handler throws, the state stays as it was.
   *
   * @throws SdkError (by rejecting) as the runtime would be told; HANDLER_NOT_REPEATABLE with `redeliver`.
   */
  async send<T>(type: ValueType<T>, value: T, options: MessageOptions = {}): Promise<PlainEffects> {
    this.#messages += 1;
    const messageId = options.messageId ?? `message-${this.#messages}`;
    const once = { ...options, messageId };
    const first = await this.#run(type, value, once);
    if (this.#redeliver) await this.#runAgain(type, value, once, first);
    this.#stored = first.stored;
    return first.effects;
  }

  async #run<T>(type: ValueType<T>, value: T, options: MessageOptions): Promise<Run> {
    const target = toWire(this.address.type, this.address.id);
    const caller = options.caller ?? this.#caller;
    const cells = this.#definition.names.map((name, index) => {
      const spec = this.#spec(index);
      return new StateCell(name, spec, this.#stored[index]);
    });
    const effects = await runBatch(this.#definition, target, cells, [
      {
        argument: typedValue(type, value),
        caller: caller === undefined ? null : toWire(caller.type, caller.id),
        messageId: options.messageId ?? null,
        acceptedAtMs: this.now,
        attempt: options.attempt ?? 1,
        traceparent: options.traceparent ?? null,
        headers: options.headers === undefined ? null : [...options.headers],
      },
    ]);
    const stored = cells.map((cell, index) => {
      const change = changeOf(target, cell);
      if (change === "delete") return undefined;
      return change ?? this.#stored[index];
    });
    return { effects: plainEffects(effects), stored };
  }

  async #runAgain<T>(
    type: ValueType<T>,
    value: T,
    options: MessageOptions,
    first: Run,
  ): Promise<void> {
    letTheClockMove();
    const attempt = (options.attempt ?? 1) + 1;
    const where = `${describeAddress(toWire(this.address.type, this.address.id))} is not repeatable at a message of type ${type.typename}`;
    let second: Run;
    try {
      second = await this.#run(type, value, { ...options, attempt });
    } catch (cause) {
      const what = `the second time it threw: ${describeThrown(cause)}`;
      throw new SdkError("HANDLER_NOT_REPEATABLE", `${where}: ${what}`, { cause });
    }
    const found = difference(this.#picture(first), this.#picture(second));
    if (found === undefined) return;
    throw new SdkError(
      "HANDLER_NOT_REPEATABLE",
      `${where}: handled again it did something else\n  ${found.path}\n    first:  ${found.first}\n    second: ${found.second}\nctx.uuid(), ctx.random() and ctx.now() are the same both times.`,
    );
  }

  /** All that a run led to, by name. */
  #picture({ effects, stored }: Run): object {
    const { names } = this.#definition;
    const values = names.map((name, index) => [name, this.#read(index, stored[index])]);
    return { ...effects, state: Object.fromEntries(values) };
  }

  #read(index: number, bytes: Uint8Array | undefined): unknown {
    return bytes === undefined ? undefined : this.#spec(index).type.deserialize(bytes);
  }

  #spec(index: number) {
    const spec = this.#definition.specs[index];
    if (spec === undefined) throw new Error(`broken assumption: no state ${index}`);
    return spec;
  }

  #accessors(): object {
    const state = {};
    for (const [index, name] of this.#definition.names.entries()) {
      Object.defineProperty(state, name, {
        enumerable: true,
        get: () => this.#read(index, this.#stored[index]),
        set: (value: unknown) => {
          const bytes =
            value === undefined ? undefined : serializeAs(this.#spec(index).type, value);
          this.#stored = this.#stored.with(index, bytes);
        },
      });
    }
    return Object.preventExtensions(state);
  }
}

/** Puts one instance of a function to the test. */
export function testFunction<S extends States>(
  fn: StatefulFunction<S>,
  options: FunctionTestOptions = {},
): FunctionTest<S> {
  return new FunctionTest(fn, options);
}

/** Two runs within one millisecond would agree on `Date.now()`. It spins, since timers may be mocked in a test. */
function letTheClockMove(): void {
  const until = performance.now() + 2;
  while (performance.now() < until);
}
