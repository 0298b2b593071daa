/** Bugs of the transport that carries many calls in one request. */
import type { Mutant } from "../mutant.ts";

export const FRAMES: readonly Mutant[] = [
  {
    name: "frames-answer-of-another-call",
    bug: "Answers are told apart by the order of the calls from the end: effects are applied at another address.",
    breaks: "exactness",
    file: "invoke/frames-round.ts",
    from: "this.#remove(frame - 1)?.settle(outcome);",
    to: "this.#remove(this.#parcels.length - frame)?.settle(outcome);",
  },
  {
    name: "frames-call-without-answer-forgotten",
    bug: "A call that a complete answer leaves out is forgotten: its address waits for ever.",
    breaks: "I10 liveness",
    file: "invoke/frames-courier.ts",
    from: "    for (const parcel of round.takeLeft()) {",
    to: '    for (const parcel of ending.kind === "answered" ? [] : round.takeLeft()) {',
  },
  {
    name: "frames-answered-call-sent-again",
    bug: "A request that is cut off sends all its calls again, those too that it has answered.",
    breaks: "exactness",
    file: "invoke/frames-round.ts",
    from: "    this.#parcels[at] = undefined;\n",
    to: "",
  },
  {
    name: "frames-request-counts-for-ever",
    bug: "A request that ended in trouble counts among those at once for ever: after two nothing is sent.",
    breaks: "I10 liveness",
    file: "invoke/frames-courier.ts",
    from: "    this.#release(round);\n  }\n\n  /** What an ending says",
    to: '    if (ending.kind !== "trouble") this.#release(round);\n  }\n\n  /** What an ending says',
    also: [
      {
        file: "invoke/frames-courier.ts",
        from: "      this.#release(round);\n    });\n    const end",
        to: "    });\n    const end",
      },
    ],
  },
  {
    name: "frames-cancelled-call-settled",
    bug: "A call that was given up is settled all the same when its request ends.",
    breaks: "exactness",
    file: "invoke/frames-courier.ts",
    from: "    place.drop(parcel);\n",
    to: "",
  },
];
