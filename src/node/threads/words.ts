/**
 * What threads say to each other: the main thread, which has the ways in, the topic log and the snapshots, to those
 * that partitions sit on, and these among themselves. All of it is plain data.
 */
import type { EgressRecord, Published } from "../../egress/contract.ts";
import type { SourceBatch } from "../../model/source.ts";
import type { PeerInput } from "../../partition/peers.ts";
import type { Cut } from "../../partition/ports.ts";
import type { Entry, ScanRange } from "../../store/contract.ts";
import type { LogLevel } from "../../telemetry/logger.ts";
import type { Answer, Question } from "../requests.ts";
import type { Notice } from "../seat.ts";
import type { ViewName } from "../views.ts";
import type { CarriedError } from "./carried-error.ts";
import type { Words } from "./line.ts";

/** From the main thread. */
export interface ToThread extends Words {
  readonly notes: {
    readonly notice: { readonly partition: number; readonly notice: Notice };
    readonly hangUp: {
      readonly partition: number;
      readonly request: number;
      readonly keep: boolean;
    };
    /** A cut is done with. */
    readonly closeCut: { readonly cut: number };
  };
  readonly questions: {
    /** Answered when everything but the partitions is open. */
    readonly begin: { readonly ask: Nothing; readonly answer: undefined };
    readonly open: { readonly ask: { readonly partition: number }; readonly answer: undefined };
    readonly ask: {
      readonly ask: { readonly partition: number; readonly question: Question };
      readonly answer: Answer;
    };
    readonly take: {
      /** `life`: of the partition, whose position the batch begins at. */
      readonly ask: {
        readonly partition: number;
        readonly life: number;
        readonly batch: SourceBatch;
      };
      readonly answer: undefined;
    };
    readonly look: {
      readonly ask: { readonly partition: number; readonly view: ViewName; readonly ask: unknown };
      readonly answer: unknown;
    };
    readonly scanCut: {
      readonly ask: { readonly cut: number; readonly range: ScanRange };
      readonly answer: Entry[];
    };
    readonly readCut: {
      readonly ask: { readonly cut: number; readonly keys: readonly Uint8Array[] };
      readonly answer: (Uint8Array | undefined)[];
    };
    /** Ends its partitions, and whatever it has opened. */
    readonly stop: { readonly ask: Nothing; readonly answer: undefined };
  };
}

/** To the main thread. */
export interface ToMain extends Words {
  readonly notes: {
    /** A partition has opened, for the so-manieth time. */
    readonly opened: { readonly partition: number; readonly life: number };
    readonly committed: { readonly elapsedMs: number; readonly writes: number };
    /** Its store is read by the cut's number (`scanCut`, `readCut`). */
    readonly cut: { readonly partition: number; readonly taken: Cut; readonly cut: number };
    readonly published: {
      readonly egress: string;
      readonly elapsedMs: number;
      readonly records: number;
    };
    /** A partition cannot go on. */
    readonly ended: { readonly error: CarriedError };
    readonly log: {
      readonly level: LogLevel;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly text: string;
    };
    /** Nobody waits for this call of an egress any more. */
    readonly abandon: { readonly egress: string; readonly call: number };
  };
  readonly questions: {
    /** To an egress of the main thread; `call` tells it from others of the egress. */
    readonly publish: {
      readonly ask: {
        readonly call: number;
        readonly egress: string;
        readonly partition: number;
        readonly first: number;
        readonly records: readonly EgressRecord[];
        readonly barrier: number;
      };
      readonly answer: Published;
    };
    readonly incarnated: {
      readonly ask: { readonly incarnation: number };
      readonly answer: undefined;
    };
    /** See older-records.ts: of all partitions. */
    readonly nothingOlder: {
      readonly ask: { readonly egress: string; readonly incarnation: number };
      readonly answer: boolean;
    };
  };
}

/** Of the partitions of one to those of another. */
export interface BetweenThreads extends Words {
  readonly notes: {
    readonly peer: { readonly to: number; readonly input: PeerInput };
  };
  readonly questions: Nothing;
}

type Nothing = Readonly<Record<never, never>>;
