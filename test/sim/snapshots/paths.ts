/** What must happen to snapshots now and then; one that no seed meets any more is a test that has silently gone. */
export const SNAPSHOT_PATHS = {
  complete: "snapshot in the bucket, restored to be looked at",
  inFlight: "messages on their way between partitions in it",
  heirPublishes: "records published in the name of a partition that is no more",
  waitsForOlder: "records that wait for those of an earlier incarnation",
  renumbered: "records of a fork under new numbers",
  published: "records of a fork that its topic log had already",
  onTop: "snapshot on top of an earlier one",
  topicGrown: "segment of a topic in several parts",
  topicClosed: "topic partition of several segments",
  cutByRecords: "partition that cuts since the topic log has",
  cutByAcknowledgement: "partition that cuts since the topic log acknowledges with a higher number",
  logCutByRecord: "topic log that cuts since a partition which publishes has",
  abandoned: "snapshot given up",
  crashIdle: "crash between two snapshots",
  crashGathering: "crash while partitions cut",
  crashWriting: "crash while a snapshot is written",
  restored: "disk lost, restored on another number of partitions",
  tookOverEmpty: "prefix taken over by an empty directory, which is restored then",
  handedBack: "prefix handed back, since nothing was restored",
  restoreCrash: "crash while a snapshot is restored",
  damaged: "damage met while a snapshot is restored",
  owned: "another runtime refused while the owner is at work",
  foreign: "another data directory refused",
  takenOver: "owner silent, and succeeded by one that was restored",
  fenced: "owner that woke up, and was shut out",
} as const;

export type SnapshotPath = keyof typeof SNAPSHOT_PATHS;

/** How often each was met. */
export class SnapshotPaths {
  readonly counts = new Map<SnapshotPath, number>();

  hit(path: SnapshotPath): void {
    this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
  }

  hitIf(condition: boolean, path: SnapshotPath): void {
    if (condition) this.hit(path);
  }

  add({ counts }: SnapshotPaths): void {
    for (const [path, count] of counts) this.counts.set(path, (this.counts.get(path) ?? 0) + count);
  }

  get missing(): readonly SnapshotPath[] {
    const all = Object.keys(SNAPSHOT_PATHS) as SnapshotPath[];
    return all.filter((path) => !this.counts.has(path));
  }
}
