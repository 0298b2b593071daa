import assert from "node:assert/strict";
import { type PeerRelease, peerInput } from "../../src/partition/peers.ts";
import type { ChannelInput, Input } from "../../src/partition/ports.ts";
import type { Rng } from "../support/rng.ts";
import type { Host } from "./host.ts";
import type { Stage } from "./stage.ts";

/**
 * The ways between partitions: late, sometimes very late, sometimes twice, in any order. Something is lost
 * only with the memory of the partition it was for, which then greets its peers when it is back.
 */
export class Wire {
  readonly #world: Stage;
  readonly #rng: Rng;
  /** The last batch of each channel. */
  readonly #last = new Map<string, ChannelInput>();

  constructor(world: Stage, rng: Rng) {
    this.#world = world;
    this.#rng = rng;
  }

  carry(from: Host, release: PeerRelease): void {
    const peer = this.#world.hosts[release.to];
    assert(peer !== undefined && peer !== from, "a release to nobody");
    const input = peerInput(from.index, release);
    const { generation } = peer;
    const { schedule, faults } = this.#world;
    const send = (input: Input) => {
      const isLate = faults.strikes("channelLate", 0.3);
      schedule.after(this.#rng.random() * (isLate ? 300 : 5), () => {
        if (generation === peer.generation) peer.offer(input);
      });
    };
    send(input);
    if (!faults.strikes("channelDoubles", 0.4)) return;
    const name = `${from.index} ${from.generation} ${peer.index}`;
    const last = this.#last.get(name);
    send(input.kind === "channel" && last !== undefined ? together(last, input) : input);
    if (input.kind === "channel") this.#last.set(name, input);
  }
}

/** Two batches that follow on as one, the first of which may be known. */
function together(last: ChannelInput, next: ChannelInput): ChannelInput {
  if (last.first + last.messages.length !== next.first) return next;
  const barrier = Math.max(last.barrier, next.barrier);
  return { ...last, messages: [...last.messages, ...next.messages], barrier };
}
