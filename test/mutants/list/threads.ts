/** Bugs of what is between the threads that partitions sit on. */
import type { Mutant } from "../mutant.ts";

export const THREADS: readonly Mutant[] = [
  {
    name: "thread-run-of-earlier-life",
    bug: "A run of records that was read for an earlier life of its partition is taken by the next: it passes for the beginning of a source whose position was lost.",
    breaks: "I5 order at the receiver",
    file: "node/threads/desk.ts",
    from: "      if (life !== this.#lives.get(partition)) {",
    to: "      if (life < 0) {",
    tests: ["node/threads/thread-seat"],
  },
  {
    name: "thread-run-waits-into-another-life",
    bug: "A run of records that waited for room goes to whatever life its partition is in by then.",
    breaks: "I5 order at the receiver",
    file: "node/threads/thread-seat.ts",
    from: "{ partition: this.index, life, batch }",
    to: "{ partition: this.index, life: Math.max(life, this.#life), batch }",
    tests: ["node/threads/thread-seat"],
  },
  {
    name: "line-loses-end-of-batch",
    bug: "Of what is said within a turn the end is left out when it is much.",
    breaks: "I10 liveness",
    file: "node/threads/line.ts",
    from: "    const packed = pack(items);",
    to: "    const packed = pack(items.slice(0, 3));",
  },
  {
    name: "line-taken-not-told",
    bug: "What was taken of a line is never told: once full it stays so, and sources wait for ever.",
    breaks: "I10 liveness",
    file: "node/threads/line.ts",
    from: "    const taken = this.#taken;\n",
    to: "    const taken = 0;\n",
  },
  {
    name: "line-room-not-told",
    bug: "A line that has room again tells nobody.",
    breaks: "I10 liveness",
    file: "node/threads/line.ts",
    from: "    if (wasFull && !this.isFull) this.#options.onRoom?.();\n",
    to: "",
  },
  {
    name: "pack-moves-what-others-have",
    bug: "A large value is moved to the other thread, out of the outbox that still holds it.",
    breaks: "I4 conservation",
    file: "node/threads/pack.ts",
    from: "      own.set(bytes);\n      this.transfer.push(own.buffer);\n      return own;",
    to: "      own.set(bytes);\n      this.transfer.push(bytes.buffer as ArrayBuffer);\n      return bytes;",
    tests: ["node/threads/pack"],
  },
];
