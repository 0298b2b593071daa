import { unreachable } from "../base/assert.ts";
import { partitionDestination } from "../store/keys.ts";
import type { AcknowledgedInput, ChannelInput, Release, ResumeInput } from "./ports.ts";

/** What a partition has for another one. */
export type PeerRelease = Extract<Release, { readonly to: number }>;
export type PeerInput = ChannelInput | AcknowledgedInput | ResumeInput;

/** What it is to the one that it is for. */
export function peerInput(from: number, release: PeerRelease): PeerInput {
  const destination = partitionDestination(from);
  switch (release.kind) {
    case "channel": {
      const { first, since, messages, barrier } = release;
      return { kind: "channel", from, first, since, messages, barrier };
    }
    case "acknowledge": {
      const { upTo, barrier } = release;
      return { kind: "acknowledged", destination, upTo, barrier };
    }
    case "resume": {
      const { next, barrier } = release;
      return { kind: "resume", destination, next, barrier };
    }
    default:
      return unreachable(release);
  }
}
