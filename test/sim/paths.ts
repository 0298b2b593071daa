/**
 * The interleavings that matter, by name. They are counted by observation from outside: inputs, outputs,
 * and what the disk holds. A path that no seed takes any more is a test that has silently gone.
 */
export const PATHS = {
  // Crashes
  crashBeforeRelease: "crash between a commit and its releases",
  crashCommitKept: "crash during a commit that is on the disk all the same",
  crashCommitLost: "crash during a commit that is not on the disk",
  crashRecovering: "crash while a partition is being recovered",
  crashRecoveringThrice: "three crashes in a row, none of which let a partition recover",
  crashBeforeSession: "crash before the first commit of a session",
  crashCalling: "crash while a function is being called",
  crashUncommitted: "crash with an answer applied and not committed",
  bounced: "one partition lost its memory, the others going on",
  drained: "drain and restart",
  // The disk
  commitFailedWritten: "commit failed, though it was written",
  commitFailedUnwritten: "commit failed and was not written",
  reopened: "a partition opened anew after a failed commit, the others going on",
  diskFull: "commit failed on a full disk",
  diskSlow: "commit that took longer than a second",
  readFailed: "read failed, memory dropped",
  recoveryReadFailed: "read failed while recovering",
  nodeEnded: "a partition opened thrice in vain, the node ended",
  lossAccepted: "a database behind its witness, its loss accepted",
  // Epochs and reads
  heavyEpoch: "an input held back by a heavy epoch",
  heavyExpiring: "a delivery held back by a heavy epoch, since it would change state",
  neverWritten: "a message that came and was done within one epoch",
  readMeetsCommit: "read in flight while a commit of the same key lands",
  readMeetsWrite: "read in flight of a key that the filling epoch writes",
  // State
  stateEvicted: "state evicted and read again",
  evictionHeld: "eviction held off by a pending write",
  expiredWithheld: "expired value not sent",
  expiredDuringCall: "value expired during an invocation that did not write it",
  warmthKept: "value kept alive by an invocation",
  sweptState: "expired state swept",
  sweptOnce: "expired idempotency key swept",
  sweptCall: "expired call swept",
  specsNegotiated: "missing states negotiated",
  specsRacing: "two addresses of a type asked for the same states at once",
  specsGrown: "a state declared by a later version of a function",
  // Answers
  refusedState: "answer refused: states too large",
  refusedUndeclared: "answer refused: a state nobody declared",
  refusedMistyped: "answer refused: a state of another type",
  refusedToken: "answer refused: a token too long",
  refusedAsking: "answer refused: asks for what it was given",
  refusedSpecs: "answer refused: too many states",
  lateDouble: "late double of an answer",
  // Mail
  mailboxFull: "parked mailbox full",
  mailReadBack: "mailbox beyond memory read back",
  spilledWhileRunning: "mail spilled while its address is being called",
  memoryFull: "mail beyond the bound of all memory",
  batchBounded: "batch ended by its bytes",
  committedWaits: "delivery held until the cause is durable",
  // Failures
  splitBatch: "split batch of a poison",
  splitAcrossRestart: "failing batch that a restart made whole again",
  parked: "poison parked",
  buried: "poison buried",
  skipped: "poison skipped",
  circuitOpened: "circuit opened",
  probeFailed: "half-open probe fails",
  probeAnswered: "half-open probe answered",
  probeAbandoned: "probe abandoned before it was sent",
  timedOut: "a function that hangs, until its time is over",
  typeLeft: "address parked since its function left the module",
  typeBack: "address delivered since its function is back",
  // Timers
  timerMeetsCancel: "timer due in the turn of its cancel",
  cancelOnDisk: "cancel of a timer that is only on disk",
  cancelFired: "cancel of a timer that has fired",
  cancelOtherType: "cancel by another type of the same id",
  tokenMovedAtOnce: "token moved within one answer",
  tokenMoved: "token moved by a later answer",
  timersTrimmed: "timers in memory at their bound",
  timerAfterRestart: "timer fired after a restart",
  clockBackTimers: "clock back with timers pending",
  clockBackResting: "clock back with an address at rest",
  clockBackCircuit: "clock back with a circuit open",
  clockForwardTimers: "clock forward over timers",
  // Channels and egresses
  channelGap: "gap of a channel refused",
  channelDuplicate: "duplicate channel batch",
  channelOverlap: "channel batch known in part",
  resumeAfterRestart: "resume after peer restart, with something to send again",
  outboxSpilled: "outbox at its memory bound, read back",
  ackLate: "late acknowledgement of what is acknowledged",
  egressDown: "egress receiver down",
  egressRepeated: "records published again, the receiver has them",
  egressRefused: "record refused by its receiver",
  recordInvalid: "record no egress can take",
  // Cuts for snapshots
  cutComplete: "the cuts of all partitions, put together",
  cutByBatch: "cut forced by a batch of a channel",
  cutByAcknowledgement: "cut forced by an acknowledgement",
  cutByResume: "cut forced by a peer that opened, or that missed something",
  cutHolds: "input of a higher number held until the cut",
  cutOfNothing: "cut with nothing to commit but its number",
  cutBeforeCommit: "cut in the turn that starts the next commit",
  cutInFlight: "complete cut with messages sent and not received",
  barrierJump: "cut more than one number after the last",
  barrierOld: "barrier of a number that was cut at already",
  barrierCommitting: "barrier while a commit is running",
  barrierRecovering: "barrier while a partition opens",
  barrierCrash: "crash between the commit that holds a number and the cut",
  barrierOverlap: "barrier announced while the last is not done",
  coordinatorDied: "coordinator gone half-way, the next number announced",
  changesKnown: "cut that says what has changed",
  changesMerged: "cut that says what has changed since one that was given up",
  changesUnknown: "cut beyond the bound of what has changed",
  restored: "snapshot restored",
  restoredInFlight: "snapshot restored with messages on their way",
  // Sources
  sourceRedelivered: "source run known whole, ignored",
  sourceOverlap: "source run known in part",
  sourceGap: "source run with a gap refused",
  sourceKeyless: "record without key buried",
  full: "source held back by a full partition",
  // Callers
  onceInFlight: "idempotency key asked again while its call is in flight",
  onceRace: "one idempotency key, two messages in one turn",
  onceAfterRestart: "idempotency key asked again after a restart",
  onceExpired: "idempotency key used anew after its expiry",
  onceNamesake: "one idempotency key at two types of one id",
  onceOtherKind: "idempotency key of a send used for a call",
  replyStored: "504, then the reply stored and fetched",
  fetchedTwice: "one reply fetched again",
  fetchWaits: "504, fetched before there is a reply",
  hungUpLooking: "caller gone while its key is looked up",
  replyDropped: "reply to a caller that is gone",
  replyElsewhere: "reply from another partition",
  promiseExpired: "promised reply fetched after its expiry",
  // Operators
  parkedRetried: "parked address retried",
  parkedSkipped: "first message of a parked address given up",
  parkedPurged: "parked address purged, its last message with it",
  purgedPartly: "parked address purged in part, the rest still parked",
  purgedAfterRestart: "purge gone on with after a restart",
  purgeUnheard: "purge whose answer was lost in a crash",
  purgeMeetsOther: "decision about an address whose mail is being read to be purged",
  purgedStored: "mail purged that was on the disk",
  purgedCall: "caller of a purged message gives up",
  deadRetried: "dead message sent again",
  deadElsewhere: "dead message sent to another address",
  strayElsewhere: "message that nobody could get sent to an address",
  deadRecordRetried: "dead record sent again",
  recordElsewhere: "dead record sent to another egress",
  sentToNoType: "dead message not sent to a type that nobody serves",
  sentWithoutId: "dead message not sent without an id",
  sentToNoEgress: "dead record not sent to an egress that nobody knows",
  sentToEgressWithId: "dead record not sent to an egress with an id",
  deadPurged: "dead letter purged",
  deadAfterRestart: "dead letter decided about after a restart",
  // Shape
  onePartition: "a node of one partition",
  emptyPartitions: "more partitions than ids",
} as const;

export type Path = keyof typeof PATHS;

export const PATH_NAMES = Object.keys(PATHS) as readonly Path[];

/** How often each path was taken. */
export class Paths {
  readonly counts = new Map<Path, number>();

  hit(path: Path): void {
    this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
  }

  hitIf(condition: boolean, path: Path): void {
    if (condition) this.hit(path);
  }
}
