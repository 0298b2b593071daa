/**
 * Which test drives which bound: every row of "Every bound" in docs/operating.md, named by its file and
 * its name there, and the tests that drive it to the bound and see what the row says (and that nothing is
 * lost). registry.test.ts compares both sides, and both with the code.
 */
export interface Drivers {
  readonly [bound: string]: readonly Driver[];
}

/** The test's file below test/, without its ending, and its title: whole, or how it begins. */
export type Driver = readonly [file: string, title: string];

const own = (file: string, title: string): Driver => [`bounds/${file}`, title];

const HEAVY: Driver = [
  "partition/partition",
  "an epoch that is heavy takes no more outcomes, and none is lost or passes another",
];
const PAGES = own("steps", "opening reads PAGE entries at a time, and PAGE_BYTES");
const SAME_LINES = own("lines", "of lines that say the same SAME_LINES are written");
const RESTS: Driver = ["partition/expiries", "sweeps rest in between, but not while there is more"];
const RETRIES = own(
  "calls",
  "the pauses of an address grow from initialMs to maxMs and no further",
);
const PROBES: Driver = [
  "partition/circuit",
  "a probe that fails waits longer than the one before, up to a bound",
];
const MALFORMED: Driver = [
  "gateway/gateway",
  "what is no HTTP, has too much of headers, or comes too slowly is answered and closed",
];
const SOURCE_RETRIES = own(
  "log",
  "a source that fails tries again after initialMs, and after maxMs",
);
const KAFKA_BATCHES: Driver = [
  "ingress/kafka",
  "a large answer is handed over in batches of batchRecords and batchBytes",
];
const TWO_RUNS: Driver = [
  "kafka/fetcher",
  "a partition whose records nobody takes stops no other, and holds two runs",
];
const EGRESS_RETRIES = own("log", "a call to an egress that fails is made again after initialMs");
const NO_TOPIC: Driver = [
  "egress/kafka-placement",
  "a topic that is not there is asked for CREATION_TRIES times, and then not for ABSENT_MS",
];
const INSISTING: Driver = [
  "kafka/insist",
  "what passes is asked again after initialMs, later after maxMs",
];
const BEGINNING: Driver = [
  "egress/kafka",
  "opening tries again until there is a broker, after initialMs and then maxMs",
];
const STORE_LIMITS: Driver = [
  "contracts/store",
  "a commit beyond a limit is refused by name and changes nothing",
];

const BLOB_KEYS: Driver = [
  "blob/key",
  "a part has MAX_PART_CHARS characters at most, a key MAX_KEY_CHARS",
];
const BLOB_TRIES: Driver = [
  "blob/patience",
  "what may pass is tried as often as attempts says, after pauses from initialMs to maxMs",
];

const DELTAS: Driver = [
  "snapshot/coordinator",
  "the next one writes what has changed, and what is read back is the same",
];
const SEGMENTS: Driver = [
  "snapshot/segment",
  "writer and reader are a few blocks ahead of who takes them",
];

export const DRIVERS: Drivers = {
  // Work of one partition
  "src/partition/limits.ts#unfinishedMessages": [
    ["partition/intake", "at its bound a partition says that it is full"],
    ["node/messages", "at the bound requests are refused, and taken again below it"],
    ["node/partition-host", "however many sources there are, the bound is passed by one batch"],
  ],
  "src/partition/limits.ts#unfinishedBytes": [
    own("partition", "at unfinishedBytes nothing is taken in, what functions send still is"),
  ],
  "src/partition/limits.ts#outboxBytes": [
    own("outboxes", "outboxes whose receiver is away fill up to outboxBytes"),
    own("outboxes", "outboxBytes counts what a partition finds on its disk"),
  ],
  "src/partition/limits.ts#epochBytes": [HEAVY],
  "src/partition/limits.ts#mailBytesInMemory": [
    ["partition/mailboxes", "with no room in memory at all mail waits on disk"],
    own("parking", "parked mail is not held in memory"),
  ],
  "src/partition/limits.ts#mailboxMessagesInMemory": [
    ["partition/mailboxes", "spilled mail comes back in order"],
  ],
  "src/partition/mailboxes.ts#LOAD_BYTES": [
    own("steps", "mail that waits on disk is read back LOAD_BYTES at a time, in order"),
  ],
  "src/partition/limits.ts#surveyMessages": [
    ["partition/survey", "a step counts surveyMessages, and the next one follows at once"],
  ],
  "src/partition/survey.ts#SURVEY_BYTES": [
    ["partition/survey", "a step reads SURVEY_BYTES, and all searches together no more"],
  ],
  "src/partition/survey.ts#SEARCHES": [
    ["partition/survey", "the mail of SEARCHES addresses is looked for at once"],
  ],
  "src/partition/limits.ts#parkedAddresses": [
    own("parking", "at parkedAddresses nothing is taken in until a person decides"),
  ],
  "src/partition/limits.ts#parkedMessages": [
    own("partition", "at parkedMessages what comes for a parked address is dead"),
  ],
  "src/partition/limits.ts#batchBytes": [
    ["partition/delivery", "a batch ends at the bound of its messages and before the bound of its"],
  ],
  "src/partition/limits.ts#callBytes": [
    own("types", "requests in flight of a type carry callBytes, then its next address waits"),
    own("types", "a request that carries more than callBytes goes alone"),
  ],
  "src/partition/limits.ts#stateCacheBytes": [
    own("partition", "states beyond stateCacheBytes leave memory, the longest unused first"),
  ],
  "src/partition/states.ts#EVICTION_TRIES": [
    ["partition/states", "what is in use or not durable yet is passed over"],
  ],
  "src/partition/limits.ts#stateBytes": [
    ["partition/states", "an answer that would exceed the bound of an address's states has failed"],
    ["partition/states", "an answer may replace a state by one as large as the bound"],
  ],
  "src/partition/limits.ts#statesPerType": [
    ["partition/specs", "a state that changes its type has failed, and so has one too many"],
  ],
  "src/partition/limits.ts#outboxBytesInMemory": [
    ["partition/outbox", "beyond its bound in memory an outbox waits on disk"],
  ],
  "src/partition/limits.ts#timersInMemory": [
    ["partition/timers", "beyond its bound, memory holds the earliest, and none is forgotten"],
  ],
  "src/partition/limits.ts#timerBytesInMemory": [
    own("timers", "timerBytesInMemory bounds what timers weigh"),
    own("timers", "a timer heavier than timerBytesInMemory is held all the same, alone"),
  ],
  "src/partition/limits.ts#changedKeys": [
    ["partition/changed-keys", "beyond changedKeys it is unknown what has changed"],
  ],
  "src/partition/limits.ts#changedKeyBytes": [
    ["partition/changed-keys", "beyond changedKeyBytes it is unknown, too"],
  ],
  "src/partition/outbox.ts#OPEN_CUTS": [
    ["partition/outbox", "cuts whose snapshots stay open are forgotten from the oldest on"],
  ],
  "src/partition/changed-keys.ts#OPEN_CUTS": [
    [
      "partition/changed-keys",
      "of more than OPEN_CUTS that are not complete the oldest count as one",
    ],
  ],
  "src/partition/limits.ts#commitLingerMs": [
    [
      "partition/partition",
      "changes that nobody waits for linger, for others to share their commit",
    ],
  ],
  "src/partition/limits.ts#retentionMs": [
    ["partition/calls", "keys and replies leave the store when their time is over"],
    ["partition/calls", "a key may be used anew when its time is over, however late the sweep"],
  ],
  "src/partition/timers.ts#FIRE_LIMIT": [
    ["partition/timers", "more than a turn fires at once is fired by the turns that follow"],
  ],
  "src/partition/timers.ts#SPILLED_PER_MS": [
    ["partition/due-timers", "a function that has no room hides nobody else's timers"],
  ],
  "src/partition/timers.ts#WINDOW_MS": [
    ["partition/timers", "what is far away is on the disk alone, and comes into memory in time"],
  ],
  "src/partition/timers.ts#LOAD_LIMIT": [own("steps", "timers are read LOAD_LIMIT at a time")],
  "src/partition/timers.ts#LOAD_BYTES": [own("steps", "timers are read LOAD_BYTES at a time")],
  "src/partition/effects.ts#MAX_DELAY_MS": [
    ["partition/effects", "a delay longer than a hundred years is taken as a hundred years"],
  ],
  "src/partition/effects.ts#MAX_TOKEN_LENGTH": [
    ["partition/effects", "a cancellation token that no key can hold fails the batch"],
  ],
  "src/partition/specs.ts#MAX_NAME_LENGTH": [
    own("partition", "a state's name has MAX_NAME_LENGTH characters at most"),
  ],
  "src/partition/specs.ts#MAX_TYPES": [
    own("types", "the states of MAX_TYPES function types are known"),
  ],
  "src/partition/delivery.ts#IDLE_LANES": [
    own("types", "beyond IDLE_LANES the lanes of types with nothing to do are dropped"),
    own("types", "a lane with work or with trouble is kept, however many there are"),
  ],
  "src/partition/outbox.ts#ENTRY_EFFECTS": [
    ["partition/outbox", "a large epoch makes several entries, each sent and deleted by itself"],
  ],
  "src/partition/outbox.ts#ENTRY_BYTES": [
    own("steps", "an entry of an outbox ends at ENTRY_BYTES"),
  ],
  "src/partition/expiries.ts#SWEEP_LIMIT": [RESTS],
  "src/partition/expiries.ts#SWEEP_EVERY_MS": [RESTS],
  "src/partition/recovery.ts#PAGE": [PAGES],
  "src/partition/recovery.ts#PAGE_BYTES": [PAGES],
  "src/model/address.ts#MAX_TYPE_LENGTH": [
    ["model/address", "what nothing can have as an address is told with its reason"],
  ],
  "src/model/address.ts#MAX_ID_LENGTH": [
    ["model/address", "what nothing can have as an address is told with its reason"],
  ],

  // Calls to functions
  "src/spec/parts/delivery.ts#concurrency": [
    ["invoke/gate", "a type's calls go in turn, when one of it has ended"],
    ["partition/delivery", "a type that is at its bound does not keep another waiting"],
  ],
  "src/spec/parts/delivery.ts#maxNumBatchRequests": [
    own("calls", "a batch of a module's own size ends at maxNumBatchRequests"),
  ],
  "src/node/functions.ts#BATCH_MESSAGES_MAX": [
    ["node/functions", "a batch has a bound where the module sets none"],
  ],
  "src/spec/parts/delivery.ts#maxAttempts": [
    ["partition/delivery", "a message that fails alone is tried as often as its type says"],
  ],
  "src/spec/parts/delivery.ts#initialMs": [RETRIES],
  "src/spec/parts/delivery.ts#maxMs": [RETRIES],
  "src/partition/circuit.ts#TROUBLES_TO_OPEN": [
    ["partition/circuit", "five troubles in a row open it"],
    ["partition/delivery", "with an open circuit one probe goes out at a time"],
  ],
  "src/partition/circuit.ts#initialMs": [PROBES],
  "src/partition/circuit.ts#maxMs": [PROBES],
  "src/spec/parts/transport.ts#POOL_SIZE": [
    ["invoke/http", "the pool's size bounds the requests in flight as well"],
    ["invoke/connection-pool", "an idle connection makes room for one to another place"],
  ],
  "src/spec/parts/transport.ts#PAYLOAD_MAX_BYTES": [
    ["invoke/http-misbehaving", "an answer larger than the bound is not read to its end"],
    ["invoke/http-misbehaving", "an endpoint that misbehaves once works again"],
  ],
  "src/invoke/decode-response.ts#EFFECTS_MAX_COUNT": [
    ["invoke/decode-response", "an answer of countless empty effects is refused"],
  ],
  "src/invoke/exchange.ts#ERROR_BODY_MAX_BYTES": [
    ["invoke/http", "an endless error page is read as far as it is quoted"],
  ],
  "src/invoke/quote.ts#QUOTE_MAX_CHARS": [
    ["invoke/http", "an error is quoted on one line, and not whole when it is long"],
  ],
  "src/invoke/connection.ts#IDLE_MS": [
    own("calls", "a connection that is idle for IDLE_MS is closed and forgotten"),
  ],
  "src/invoke/frames-courier.ts#ROUNDS_AT_ONCE": [
    [
      "invoke/frames-courier",
      "ROUNDS_AT_ONCE requests at a time; one that is answered makes room before it has ended",
    ],
  ],
  "src/invoke/frames-courier.ts#LINGER_MS": [
    ["invoke/frames-courier", "a request that has been under way for LINGER_MS holds up no other"],
  ],
  "src/invoke/frames-courier.ts#CALLS_MAX": [
    ["invoke/frames-courier", "a request holds CALLS_MAX calls, and REQUEST_BYTES"],
  ],
  "src/invoke/frames-courier.ts#REQUEST_BYTES": [
    ["invoke/frames-courier", "a request holds CALLS_MAX calls, and REQUEST_BYTES"],
  ],
  "src/invoke/frames-courier.ts#REQUEST_MIN_BYTES": [
    [
      "invoke/frames-courier",
      "a place that takes no large requests gets smaller ones, of REQUEST_MIN_BYTES at least",
    ],
  ],
  "src/invoke/frames-courier.ts#HELD_MS": [
    [
      "invoke/frames-courier",
      "a head that does not come within HELD_MS: what follows goes alone, what is under way is waited for",
    ],
  ],
  "src/invoke/frames-offer.ts#PAUSE_MS": [
    ["invoke/frames-offer", "the pause after a refusal grows from PAUSE_MS to PAUSE_MAX_MS"],
  ],
  "src/invoke/frames-offer.ts#PAUSE_MAX_MS": [
    ["invoke/frames-offer", "the pause after a refusal grows from PAUSE_MS to PAUSE_MAX_MS"],
  ],
  "src/invoke/frames-offer.ts#CALM_MS": [
    ["invoke/frames-offer", "refusals are forgotten when frames have been understood for CALM_MS"],
  ],
  "sdk/src/frames.ts#SILENT_MS": [
    ["sdk/http/frames", "a head that nothing follows yet comes all the same"],
  ],
  "src/invoke/connection.ts#SESSIONS_MAX": [
    own("calls", "TLS sessions of SESSIONS_MAX origins are kept; one more begins anew"),
  ],
  "src/invoke/http.ts#REDIRECTS_MAX": [["invoke/http", "redirects in a circle end"]],
  "src/invoke/http.ts#URLS_MAX": [own("calls", "URLs of URLS_MAX types are remembered")],
  "src/node/functions.ts#BINDINGS_MAX": [
    ["node/functions", "however many types are asked for, they are found"],
  ],
  "src/invoke/embedded.ts#EMBEDDED_CALL_MS": [
    ["invoke/embedded", "a call that does not end fails its batch, and its slot is free again"],
  ],
  "sdk/src/http/options.ts#DEFAULT_MAX_BODY_BYTES": [
    ["sdk/http/node-handler", "a body over the limit is refused"],
  ],
  "sdk/src/http/options.ts#DEFAULT_MAX_BUFFERED_BYTES": [
    own("sdk", "requests held at once are bounded by maxBufferedBytes"),
  ],
  "sdk/src/http/serve.ts#maxConnections": [
    own("sdk", "beyond maxConnections one is closed as it comes"),
  ],

  // HTTP
  "src/gateway/limits.ts#maxBodyBytes": [
    ["gateway/gateway", "a body that is announced as too long is refused before it is sent"],
    ["gateway/gateway", "a body without end is refused at the limit"],
  ],
  "src/gateway/limits.ts#maxHeaderBytes": [MALFORMED],
  "src/gateway/limits.ts#headersTimeoutMs": [MALFORMED],
  "src/gateway/limits.ts#requestTimeoutMs": [MALFORMED],
  "src/gateway/limits.ts#maxInFlight": [
    ["gateway/gateway", "requests at once have a bound; probes come through all the same"],
  ],
  "src/gateway/limits.ts#requestsPerTurn": [
    [
      "gateway/turnstile",
      "so many are let in with each turn, in their order, and the first at once",
    ],
  ],
  "src/gateway/limits.ts#refusalsPerSecond": [
    ["gateway/gateway", "who is refused is told so a little later when many are"],
  ],
  "src/gateway/limits.ts#maxReads": [own("http", "beyond maxReads lists and reads are refused")],
  "src/gateway/limits.ts#maxFollowers": [
    own("http", "beyond maxFollowers topics are followed no more"),
  ],
  "src/gateway/limits.ts#maxBufferedBytes": [
    ["gateway/gateway", "bodies held together have a bound, and leave room when they are answered"],
  ],
  "src/gateway/limits.ts#maxConnections": [
    own("http", "beyond maxConnections one is closed as it comes"),
  ],
  "src/gateway/limits.ts#answerStallMs": [
    own("http", "a caller that takes nothing of its answer for answerStallMs is cut off"),
    own("http", "a follower that takes nothing for answerStallMs is cut off"),
  ],
  "src/gateway/limits.ts#keepAliveMs": [
    own("http", "an idle connection is closed after keepAliveMs"),
  ],
  "src/gateway/limits.ts#lingerMs": [own("http", "a refused body is read no longer than lingerMs")],
  "src/gateway/limits.ts#lingerBytes": [
    ["gateway/gateway", "a body that still does not end is cut off"],
  ],
  "src/gateway/limits.ts#callTimeoutMs": [own("http", "a call waits callTimeoutMs unless it says")],
  "src/gateway/limits.ts#maxCallTimeoutMs": [
    own("http", "a call waits callTimeoutMs unless it says how long"),
  ],
  "src/gateway/message-routes.ts#MAX_DELAY_MS": [
    own("http", "a message may be delayed by MAX_DELAY_MS, and not by more"),
  ],
  "src/gateway/pages.ts#MAX_PAGE": [own("http", "a page has MAX_PAGE entries at most")],
  "src/gateway/topic-routes.ts#MAX_RECORDS": [
    own("http", "a read of a topic ends at MAX_READ_BYTES"),
  ],
  "src/gateway/topic-routes.ts#MAX_READ_BYTES": [
    own("http", "a read of a topic ends at MAX_READ_BYTES, and at MAX_RECORDS"),
  ],
  "src/gateway/topic-records.ts#MAX_WRITE_RECORDS": [
    own("http", "one request writes MAX_WRITE_RECORDS records at most, and of more it writes none"),
  ],
  "src/gateway/value-view.ts#MAX_SHOWN_BYTES": [
    ["gateway/value-view", "a value too long to show is shown by its size"],
  ],
  "src/ingress/playground.ts#maxBodyBytes": [
    ["ingress/playground", "a body over the limit is refused"],
  ],
  "src/ingress/playground.ts#maxBufferedBytes": [
    own("playground", "bodies held together have a bound there, too"),
  ],
  "src/ingress/playground.ts#maxRequests": [
    own("playground", "beyond maxRequests the playground's ingress refuses"),
  ],
  "src/ingress/playground.ts#maxConnections": [
    own("playground", "beyond maxConnections the playground's servers close one as it comes"),
  ],
  "src/egress/playground.ts#maxConnections": [
    own("playground", "beyond maxConnections the playground's servers close one as it comes"),
  ],
  "src/egress/playground.ts#maxRecords": [
    ["egress/playground", "what finds the queue full is dropped, counted and reported once"],
  ],
  "src/egress/playground.ts#maxBytes": [
    ["egress/playground", "the queue is bounded in bytes, too, and holds a long run in order"],
  ],

  // Topic log
  "src/log/options.ts#partitions": [
    own("log", "a topic made on first use has the log's own number of partitions"),
  ],
  "src/log/options.ts#MAX_PARTITIONS": [
    own("log", "options of the topic log have bounds of their own"),
  ],
  "src/log/options.ts#MAX_RECORD_BYTES": [
    own("log", "options of the topic log have bounds of their own"),
  ],
  "src/log/options.ts#maxTopics": [
    ["log/topic-log", "topics are bounded in number"],
    ["egress/log", "a topic too many is refused for good, the others are published"],
  ],
  "src/log/options.ts#maxRecordBytes": [
    ["log/partition", "a record over the limit is refused, and nothing of its append is taken"],
  ],
  "src/log/options.ts#maxPendingBytes": [
    ["log/partition", "what waits to be written is bounded, and one append more is refused"],
  ],
  "src/log/options.ts#maxOpenFiles": [
    ["log/topic-log", "open files stay within their bound, however many partitions are used"],
  ],
  "src/log/options.ts#segmentBytes": [
    own("log", "a segment that has reached segmentBytes is closed"),
  ],
  "src/log/appender.ts#MAX_GROUP_BYTES": [
    own("log", "what waits to be written goes in writes of MAX_GROUP_BYTES, in order"),
  ],
  "src/log/group-draft.ts#MAX_PRODUCERS": [
    own("log", "a partition remembers MAX_PRODUCERS producers; one more is refused"),
  ],
  "src/log/check-append.ts#MAX_PRODUCER_ID_BYTES": [
    own("log", "a producer's id has MAX_PRODUCER_ID_BYTES at most"),
  ],
  "src/log/segment-reader.ts#MAX_INDEXES": [
    own("log", "a partition holds the indexes of MAX_INDEXES closed segments"),
  ],
  "src/ingress/log.ts#batchBytes": [
    own("log", "an ingress hands over batches of batchRecords and batchBytes"),
  ],
  "src/ingress/log.ts#batchRecords": [
    own("log", "an ingress hands over batches of batchRecords and batchBytes"),
    ["ingress/log", "what is read ahead is bounded"],
  ],
  "src/ingress/kafka.ts#batchBytes": [KAFKA_BATCHES],
  "src/ingress/kafka.ts#batchRecords": [KAFKA_BATCHES],
  "src/ingress/kafka.ts#maxHeldBytes": [
    ["kafka/fetcher", "beyond maxHeldBytes a partition is fetched only when it holds nothing"],
  ],
  "src/kafka/fetcher.ts#RUNS_AHEAD": [TWO_RUNS],
  "src/kafka/properties.ts#maxBytes": [
    ["kafka/fetcher", "whoever got something is asked for last, so an answer that is full"],
  ],
  "src/kafka/properties.ts#maxPartitionBytes": [TWO_RUNS],
  "src/kafka/oauth-tokens.ts#TIMEOUT_MS": [
    ["kafka/oauth-tokens", "a token server that does not answer within TIMEOUT_MS is given up"],
  ],
  "src/ingress/source.ts#initialMs": [SOURCE_RETRIES],
  "src/ingress/source.ts#maxMs": [SOURCE_RETRIES],
  "src/node/publisher.ts#PUBLISH_RECORDS": [
    own("log", "one call to an egress has PUBLISH_RECORDS records at most"),
  ],
  "src/node/publisher.ts#PUBLISH_MS": [
    [
      "node/publisher",
      "a call that takes too long is aborted, told, and made again once it has ended",
    ],
    ["node/publisher", "stopping tells the call in flight, waits for no receiver"],
    own("egresses", "a call to the topic log's egress that is aborted ends"),
  ],
  "src/node/publisher.ts#initialMs": [EGRESS_RETRIES],
  "src/node/publisher.ts#maxMs": [EGRESS_RETRIES],

  // Publishing to Kafka
  "src/egress/kafka-marker.ts#REFUSED_WITHIN": [
    [
      "egress/kafka-transactions",
      "more records than the marker can speak of are done in several calls",
    ],
  ],
  "src/egress/kafka-placement.ts#CREATION_TRIES": [NO_TOPIC],
  "src/egress/kafka-placement.ts#CREATION_WAIT_MS": [NO_TOPIC],
  "src/egress/kafka-placement.ts#ABSENT_MS": [NO_TOPIC],
  "src/egress/kafka-placement.ts#TOPICS_MAX": [
    ["egress/kafka-placement", "of TOPICS_MAX topics something is known at most"],
  ],
  "src/egress/kafka-placement.ts#TOPICS_AT_ONCE": [
    ["egress/kafka-placement", "of topics that are not there TOPICS_AT_ONCE are asked for"],
  ],
  "src/egress/kafka.ts#STOP_MS": [
    ["egress/kafka", "brokers that do not answer get STOP_MS as it stops"],
  ],
  "src/egress/kafka.ts#TRIES": [
    ["egress/kafka", "an answer that puts off is asked for TRIES times, and then it is a failure"],
  ],
  "src/kafka/insist.ts#initialMs": [INSISTING],
  "src/kafka/insist.ts#maxMs": [INSISTING],
  "src/egress/kafka.ts#initialMs": [BEGINNING],
  "src/egress/kafka.ts#maxMs": [BEGINNING],
  "src/egress/kafka.ts#REFRESH_AFTER_MS": [
    ["egress/kafka", "a marker that nobody has written for a day is written again"],
  ],
  "src/kafka/wire/record-batch.ts#UNPACKED_MAX_BYTES": [
    ["kafka/wire/compression", "what would unpack to more than its bound is refused"],
  ],

  // Store, node, module
  "src/store/limits.ts#MAX_KEY_BYTES": [STORE_LIMITS],
  "src/store/limits.ts#MAX_VALUE_BYTES": [STORE_LIMITS],
  "src/store/limits.ts#MAX_COMMIT_BYTES": [STORE_LIMITS],
  "src/store/level.ts#BATCH_ENTRIES": [
    ["store/level", "others go in between the writes of a large commit, and it is whole"],
  ],
  "src/node/pages.ts#STEP_ENTRIES": [
    ["node/pages", "where few are meant, STEP_ENTRIES are in memory at once"],
  ],
  "src/node/pages.ts#EXAMINED_ENTRIES": [
    ["node/pages", "where none is meant, a page ends after EXAMINED_ENTRIES, and the next goes on"],
  ],
  "src/node/topics.ts#WRITE_RECORDS": [
    ["node/topics", "more than WRITE_RECORDS records are appended in parts, in their order"],
  ],
  "src/gateway/topic-records.ts#LINES_AT_ONCE": [
    ["gateway/topic-records", "others go in between the lines of a large body"],
  ],
  "src/gateway/limits.ts#maxUnsentBytes": [
    own("http", "of answers that nobody takes the oldest is cut off beyond maxUnsentBytes"),
  ],
  "src/partition/limits.ts#effectsBytes": [
    ["partition/effects", "an answer whose effects would outgrow an epoch fails its batch"],
  ],
  "src/partition/dead-letters.ts#REASON_MAX_CHARS": [
    ["partition/parking", "a reason that quotes something endless is cut off"],
  ],
  "src/store/witness.ts#SYNC_DELAY_MS": [
    own("node", "what a witness records is synced within SYNC_DELAY_MS"),
  ],
  "src/node/storage.ts#DEFAULT_PARTITIONS": [
    own("node", "a new data directory has DEFAULT_PARTITIONS"),
  ],
  "src/node/disk-reserve.ts#RESERVE_BYTES": [
    own("disk", "below RESERVE_BYTES of a large disk nothing is taken in"),
    own("disk", "a node whose disk is nearly full takes nothing in"),
  ],
  "src/node/disk-reserve.ts#RESERVE_PERCENT": [
    own("disk", "of a small disk RESERVE_PERCENT are kept"),
  ],
  "src/node/reopening.ts#MAX_FAILURES": [
    ["node/partition-host", "openings that fail end it with the reason of the last"],
    own("node", "MAX_FAILURES in a row end a node"),
  ],
  "src/node/reopening.ts#RECOVERED_AFTER_MS": [
    own("node", "MAX_FAILURES in a row end a node, but what has worked for RECOVERED_AFTER_MS"),
  ],
  "src/node/quiet.ts#IDLE_MS": [["node/quiet", "what makes no progress is not waited for"]],
  "src/node/pages.ts#READ_BYTES": [
    ["node/pages", "however large the values are, only a few MiB are in memory at once"],
  ],
  "src/node/views.ts#SHOWN_MESSAGES": [
    own("node", "of a parked address SHOWN_MESSAGES messages are shown"),
  ],
  "src/node/views.ts#SHOWN_BYTES": [
    own("node", "of a parked address messages of SHOWN_BYTES are shown, and one at least"),
  ],
  "src/node/threads/line.ts#MAX_BYTES": [
    ["node/threads/line", "with MAX_BYTES on its way a line is full"],
    ["node/threads/thread-seat", "with MAX_BYTES before a thread requests are refused"],
  ],
  "src/node/threads/thread.ts#STOP_MS": [
    ["node/threads/thread", "a thread that does not stop within STOP_MS is ended as it is"],
  ],
  "src/node/threads/pack.ts#CHUNK_BYTES": [
    ["node/threads/pack", "many small values share buffers of CHUNK_BYTES at most"],
  ],
  "src/cli/run.ts#GRACE_MS": [
    ["cli/run", "a signal lets it finish what it is doing"],
    [
      "node/start",
      "a drain that takes too long becomes a stop, and what was accepted is there again",
    ],
  ],
  "src/telemetry/metrics.ts#MAX_SERIES": [
    ["telemetry/metrics", "beyond the bound on series everything is counted as other"],
  ],
  "src/telemetry/line-limit.ts#SAME_LINES": [SAME_LINES],
  "src/telemetry/line-limit.ts#SAME_LINES_MS": [SAME_LINES],
  "src/telemetry/line-limit.ts#LINE_TEXTS": [
    own("lines", "LINE_TEXTS different texts are told apart"),
  ],
  "src/spec/yaml-tree.ts#MAX_CHARACTERS": [["spec/yaml-tree", "a file has a bound"]],
  "src/spec/yaml-tree.ts#MAX_NESTING": [
    ["spec/yaml-tree", "deep nesting is refused before anything recurses into it"],
  ],
  "src/spec/yaml-tree.ts#MAX_VALUES": [
    ["spec/yaml-tree", "an alias bomb is refused without being unfolded"],
  ],
  "src/spec/placeholders.ts#MAX_NESTING": [["spec/placeholders", "nesting has a bound"]],
  "src/cli/pages.ts#MAX_LIMIT": [own("cli", "a list shows MAX_LIMIT rows at most")],
  "src/cli/topic-write.ts#BATCH_BYTES": [
    own("cli", "a request of topic write is closed at BATCH_BYTES"),
  ],
  "src/cli/topic-write.ts#BATCH_RECORDS": [
    own("cli", "a request of topic write is closed at BATCH_RECORDS as well"),
  ],
  "src/cli/topic-write.ts#MAX_LINE_BYTES": [own("cli", "a line beyond its bound, MAX_LINE_BYTES")],
  "src/cli/topic-read.ts#MAX_LINE_BYTES": [own("cli", "a line beyond its bound, MAX_LINE_BYTES")],
  "src/testing/options.ts#maxSteps": [
    ["testing/trouble", "messages that cause each other for ever are cut off, and named"],
  ],
  "sdk/src/type-name.ts#MAX_REMEMBERED": [
    own("sdk", "MAX_REMEMBERED type names are kept apart, and with more all are read"),
  ],

  // Blob storage
  "src/blob/key.ts#MAX_KEY_CHARS": [BLOB_KEYS],
  "src/blob/key.ts#MAX_PART_CHARS": [BLOB_KEYS],
  "src/blob/contract.ts#MAX_CHUNK_BYTES": [
    ["contracts/blob-store", "a large object comes and goes in chunks"],
  ],
  "src/blob/patience.ts#attempts": [BLOB_TRIES],
  "src/blob/patience.ts#initialMs": [BLOB_TRIES],
  "src/blob/patience.ts#maxMs": [BLOB_TRIES],
  "src/blob/patience.ts#giveUpMs": [["blob/patience", "no attempt begins after giveUpMs"]],
  "src/blob/folder-lock.ts#LOCK_WAIT_MS": [
    ["blob/folder-lock", "who is killed holds it no longer; who lives is waited for LOCK_WAIT_MS"],
  ],
  "src/blob/folder.ts#ABANDONED_MS": [
    ["blob/folder", "what a killed process was writing is not there, and leaves when it is"],
  ],
  "src/blob/s3-client.ts#idleMs": [
    ["blob/s3-network", "a server that is silent for idleMs counts as down"],
  ],
  "src/blob/s3-client.ts#requestMs": [["blob/s3-network", "a request is given up after requestMs"]],
  "src/blob/s3-client.ts#maxConnections": [
    ["blob/s3-network", "no more than maxConnections are open at once"],
  ],
  "src/blob/s3-client.ts#partBytes": [
    ["blob/s3-network", "no more is taken from a source than partsAtOnce parts and two"],
  ],
  "src/blob/s3-client.ts#partsAtOnce": [
    ["blob/s3-network", "no more is taken from a source than partsAtOnce parts and two"],
  ],
  "src/blob/s3-client.ts#maxParts": [
    ["blob/s3-network", "an object of more than maxParts parts is refused and leaves nothing"],
  ],
  "src/blob/s3-client.ts#pageKeys": [
    ["contracts/blob-store", "a list of many pages is whole and in order"],
  ],
  "src/blob/s3-client.ts#abandonedMs": [
    ["blob/s3-network", "uploads that somebody left behind abandonedMs ago are given up"],
  ],

  // Snapshots
  "src/snapshot/segment-format.ts#BLOCK_BYTES": [SEGMENTS],
  "src/snapshot/segment-writer.ts#BLOCKS_AHEAD": [SEGMENTS],
  "src/snapshot/segment-reader.ts#AHEAD_BYTES": [SEGMENTS],
  "src/snapshot/restored-store.ts#COMMIT_BYTES": [
    ["snapshot/placement", "what is restored is written some megabytes at a time"],
  ],
  "src/snapshot/sorted-keys.ts#RUN_KEYS": [["snapshot/sorted-keys", "others have their turn"]],
  "src/snapshot/share.ts#SEGMENT_BYTES": [DELTAS],
  "src/snapshot/share.ts#MAX_DELTAS": [DELTAS],
  "src/snapshot/topics-share.ts#SEGMENTS_AT_ONCE": [
    ["snapshot/at-once", "so many are worked on at once, and no more"],
  ],
  "src/snapshot/restore-topics.ts#PARTITIONS_AT_ONCE": [
    ["snapshot/at-once", "so many are worked on at once, and no more"],
  ],
  "src/snapshot/attempt.ts#SHARES_AT_ONCE": [
    ["snapshot/coordinator", "shares of so many partitions are written at once"],
  ],
  "src/snapshot/coordinator.ts#CUT_TIMEOUT_MS": [
    ["snapshot/coordinator", "a partition that never cuts holds up nobody"],
  ],
  "src/snapshot/coordinator.ts#KEPT": [["snapshot/retention", "whatever fails, crashes"]],
  "src/snapshot/retention.ts#GRACE_MS": [["snapshot/retention", "whatever fails, crashes"]],
  "src/snapshot/claim.ts#LEASE_MS": [
    ["snapshot/claim", "who is at work is not succeeded by an heir, who is dead is"],
  ],
  "src/snapshot/ownership.ts#BEATS_PER_LEASE": [
    ["snapshot/claim", "an owner beats while it writes nothing else"],
  ],
  "src/snapshot/head.ts#HEIRS_KEPT": [["snapshot/head", "the latest heirs are remembered"]],
  "src/snapshot/claim.ts#RACES": [
    ["snapshot/claim", "a head that is replaced all the time is given up"],
  ],
};

/** Numbers of the code, by file and name, that bound nothing that grows, and what they are. */
export const NO_BOUNDS: Readonly<Record<string, string>> = {
  "src/gateway/connections.ts#LAST_LOOK_MS":
    "between the two looks before an idle connection is closed",
  "src/base/kept-bytes.ts#CHUNK_BYTES": "what one small copy keeps alive",
  "src/base/deadlines.ts#IDLE_LINES":
    "kept for the next; beyond, those that nobody is in are forgotten",
  "src/node/threads/pack.ts#FIRST_CHUNK_BYTES": "of the first buffer of a batch, under CHUNK_BYTES",
  "src/node/threads/line.ts#ITEM_BYTES": "what is said weighs besides its bytes",
  "src/node/threads/line.ts#TOLD_PART": "of MAX_BYTES, after which what was taken is told",
  "src/node/threads/thread-logger.ts#LEVEL_STEP": "how pino numbers levels",
  "src/node/threads/thread-figures.ts#WRITE_EVERY_MS": "how often they are written",
  "src/node/threads/thread-figures.ts#OWN_NUMBERS": "the places of the figures",
  "src/blob/s3-upload.ts#GIVE_UP_ATTEMPTS": "of the attempts that giving up an upload is worth",
  "src/node/publisher.ts#LOOK_EVERY_MS": "how often it is asked whether records may leave",
  "src/model/outbox-number.ts#NUMBERS_OF_AN_INCARNATION": "how numbers are given",
  "src/base/snappy.ts#FEW_BYTES": "copied one by one",
  "src/store/level.ts#FEW_KEYS": "read without leaving the thread",
  "src/egress/kafka-fate.ts#SCAN_BYTES": "of a partition read at once, or one batch",
  "src/gateway/gateway.ts#REFUSED_EVERY_MS": "how refusalsPerSecond is cut",
  "src/log/cut.ts#READ_BYTES": "of a cut read at once, or one frame",
  "src/log/restored-log.ts#OPEN_FILES": "while a log is restored, under maxOpenFiles",
  "src/snapshot/claim.ts#LOOKS": "how often LEASE_MS is looked at",
  "src/snapshot/coordinator.ts#ANNOUNCED_EVERY_MS": "how often one is announced again",
  "src/snapshot/head-file.ts#TRIES": "reads of a small object that is replaced meanwhile",
  "src/snapshot/retention.ts#LIST_EVERY_MS": "how often leftovers of others are looked for",
  "src/snapshot/retention.ts#DELETED_AT_ONCE": "of one request, under pageKeys",
  "src/node/snapshots.ts#LAST_MS": "the least that a drain leaves for the last snapshot",
  "src/snapshot/restore.ts#EPOCHS_OF_AN_INCARNATION": "how numbers are given, as in recovery.ts",
  "src/snapshot/share-changes.ts#FIRST_KEYS": "read at once before PAGE_BYTES applies",
  "src/snapshot/share-changes.ts#PAGE_BYTES": "of a cut read at once, under BLOCK_BYTES",
  "src/snapshot/share-changes.ts#PAGE_ENTRIES": "of a cut read at once",
  "src/snapshot/share.ts#PAGE": "positions read at once",
  "src/node/restoration.ts#BUFFERS_BYTES": "LevelDB's own, while a restore fills it",
  "src/node/restoration.ts#LEAST_BUFFER_BYTES": "the same",
  "src/snapshot/packing.ts#LEVEL": "of zlib, 1 to 9",
  "src/snapshot/packing.ts#DEFLATED_CHUNK_BYTES": "of what is packed, cut from one piece",
  "src/snapshot/packing.ts#IDLE_DEFLATERS":
    "kept for the next block, under SHARES_AT_ONCE and BLOCKS_AHEAD",
  "src/snapshot/packing.ts#LEAST_CHUNK_BYTES": "the least that zlib takes",
  "src/snapshot/layout.ts#BARRIER_DIGITS": "the format",
  "src/snapshot/layout.ts#PART_DIGITS": "the format",
  "src/snapshot/segment-format.ts#BLOCK_HEAD_BYTES": "the format",
  "src/snapshot/segment-format.ts#END_BYTES": "the format",
  "src/snapshot/segment-format.ts#MAGIC_BYTES": "the format",
  "src/snapshot/segment-format.ts#SEGMENT_VERSION": "the format",
  "src/blob/folder-lock.ts#LOOK_EVERY_MS": "how often LOCK_WAIT_MS is looked at",
  "src/blob/folder.ts#READ_BYTES": "of a file read at once, under MAX_CHUNK_BYTES",
  "src/ingress/kafka-beginning.ts#GROUP_TRIES": "before initialMs and maxMs of the source apply",
  "src/ingress/kafka-group.ts#LAST_COMMIT_MS": "how long a commit of the partition is waited for",
  "src/ingress/kafka-group.ts#LAST_WORD_MS": "how long a stop waits for Kafka, at most",
  "src/ingress/kafka.ts#GATHER_MS": "how often a broker that has little is asked",
  "src/kafka/fetcher.ts#LITTLE_BYTES": "which answers are followed by GATHER_MS",
  "src/kafka/fetcher.ts#IMPATIENT_WAIT_MS": "how often who was left out is looked at",
  "src/kafka/oauth-tokens.ts#MARGIN_MS": "how early a token is replaced",
  "src/kafka/broker-connection.ts#LENGTH_BYTES": "the protocol",
  "src/kafka/wire/fetch.ts#CORRUPT_MESSAGE": "the protocol",
  "src/kafka/wire/record-batch.ts#LAST_OFFSET_AT": "the format",
  "src/kafka/wire/record-batch.ts#LEAST_BYTES": "the format",
  "src/kafka/wire/record-batch.ts#VERSION_AT": "the format",
  "src/base/random.ts#DRAWS": "random numbers drawn at once",
  "src/base/shares.ts#TIMES_THE_REST": "a share of bounds that are listed",
  "src/cli/decide.ts#PAGE": "decisions of one request, under MAX_PAGE",
  "src/cli/table.ts#MAX_WIDTH": "how far columns are aligned",
  "src/cli/doctor.ts#PARKED_SHOWN": "lines of a report",
  "src/partition/changed-keys.ts#KEY_BYTES": "what is counted for a key, under changedKeyBytes",
  "src/doctor/census.ts#TYPES_SHOWN": "lines of a report",
  "src/doctor/examine.ts#LOW_DISK_BYTES": "from where on the doctor warns",
  "src/doctor/finding.ts#SHOWN_FINDINGS": "lines of a report",
  "src/doctor/pairs.ts#BUCKETS": "memory of one size",
  "src/doctor/pairs.ts#HELD_THINGS": "of an offline examination, which says when it is reached",
  "src/egress/kafka-batches.ts#BATCH_BYTES": "Kafka's format",
  "src/egress/kafka-batches.ts#SEQUENCE_MAX": "half of what Kafka's format can number",
  "src/egress/kafka.ts#LOOK_EVERY_MS": "how often REFRESH_AFTER_MS is looked at",
  "src/egress/kafka.ts#TRACE_BYTES": "what one header takes, at most",
  "src/gateway/pages.ts#DEFAULT_PAGE": "a default under MAX_PAGE",
  "src/gateway/stuck-query.ts#MAX_AGE_MS": "the longest age that can be asked for",
  "src/gateway/unsent.ts#SMALL_BYTES": "what maxUnsentBytes does not count, under maxConnections",
  "src/kafka/wire/compression.ts#LZ4_BLOCK_BYTES": "LZ4's format",
  "src/kafka/wire/lz4-frame.ts#BLOCK_BYTES": "LZ4's format",
  "src/kafka/wire/record-batch.ts#ATTRIBUTES_AT": "Kafka's format",
  "src/kafka/wire/record-batch.ts#CRC_AT": "Kafka's format",
  "src/kafka/wire/record-batch.ts#HEAD_BYTES": "Kafka's format",
  "src/spec/session.ts#MAX_MESSAGE_CHARS": "how a mistake is quoted",
  "src/spec/session.ts#MAX_PATH_CHARS": "how a mistake is quoted",
  "src/store/level-entries.ts#PAGE": "entries read at once, offline",
  "src/store/level-log.ts#BLOCK_BYTES": "LevelDB's format",
  "src/store/level-log.ts#FIRST": "LevelDB's format",
  "src/store/level-log.ts#HEAD_BYTES": "LevelDB's format",
  "src/store/level-log.ts#LAST": "LevelDB's format",
  "src/store/level-log.ts#MIDDLE": "LevelDB's format",
  "src/store/level-log.ts#WHOLE": "LevelDB's format",
  "src/store/level-manifest.ts#COMPACT_POINTER": "LevelDB's format",
  "src/store/level-manifest.ts#COMPARATOR": "LevelDB's format",
  "src/store/level-manifest.ts#DELETED_TABLE": "LevelDB's format",
  "src/store/level-manifest.ts#LAST_SEQUENCE": "LevelDB's format",
  "src/store/level-manifest.ts#LOG_NUMBER": "LevelDB's format",
  "src/store/level-manifest.ts#NEW_TABLE": "LevelDB's format",
  "src/store/level-manifest.ts#NEXT_FILE": "LevelDB's format",
  "src/store/level-manifest.ts#PREVIOUS_LOG": "LevelDB's format",
  "src/store/level-table.ts#FOOTER_BYTES": "LevelDB's format",
  "src/store/level-table.ts#SUFFIX_BYTES": "LevelDB's format",
  "src/store/level-table.ts#VALUE": "LevelDB's format",
  "src/store/level.ts#BATCH_BYTES": "beside BATCH_ENTRIES, in its row",
  "src/store/witness.ts#OWNER_AT": "the format",
  "src/store/witness.ts#OWNER_BYTES": "the format",
  "src/telemetry/seldom.ts#EVERY_MS": "how often the same is said",
  "src/telemetry/trace.ts#MAX_LENGTH": "what is taken for a trace at all",
  "sdk/src/http/serve.ts#KEEP_ALIVE_MS":
    "how long an idle connection is kept, under maxConnections",
  "src/cli/pages.ts#PAGE": "rows of one request, a default",
  "src/cli/topic-read.ts#PAGE": "records of one request, a default",
  "src/gateway/topic-routes.ts#DEFAULT_RECORDS": "a default under MAX_RECORDS",
  "src/invoke/connection.ts#TCP_KEEP_ALIVE_MS": "how often the kernel asks whether a peer lives",
  "src/invoke/decode-response.ts#DELAY_MAX_MS": "the largest number of ms, before MAX_DELAY_MS",
  "src/invoke/exchange.ts#TIMER_MAX_MS": "the longest timer of the platform",
  "src/invoke/frames-round.ts#OVERHEAD_BYTES": "what is counted for tags and names",
  "src/invoke/frames-reader.ts#VARINT_MAX_BYTES": "the encoding",
  "sdk/src/frames.ts#ENTRY_FIELD": "the encoding",
  "sdk/src/frames.ts#FRAME_FIELD": "the encoding",
  "sdk/src/frames.ts#HEAD_BYTES": "the encoding",
  "sdk/src/frames.ts#SLICE_MS": "how often answers are written while calls are run",
  "src/base/memo.ts#LONGEST_TEXT": "of a text that is remembered, of 256",
  "src/base/bytes.ts#INLINE_BYTES": "what the engine keeps in an object",
  "src/base/bytes.ts#SHORT_TEXT": "where one way of encoding beats another",
  "src/model/owner.ts#MAX_DIGITS": "of the number in a call's id",
  "src/partition/calls.ts#SECRET_BYTES": "of a call's id",
  "src/base/wire-reader.ts#FEW_BYTES": "where a copy costs less than a view",
  "src/base/wire-reader.ts#NAMES": "names remembered; a later one takes an earlier one's place",
  "src/base/wire-reader.ts#LONGEST_NAME": "names that are remembered",
  "src/base/wire-writer.ts#SCRATCH_BYTES": "a buffer of one size",
  "src/base/wire-writer.ts#VARINT_MAX_BYTES": "the encoding",
  "src/base/wire-writer.ts#INT64_MAX_BYTES": "the encoding",
  "src/base/wire-writer.ts#SHORT_STRING": "where one way of encoding beats another",
  "src/log/codec.ts#TWO_32": "arithmetic",
  "src/log/frame.ts#MAX_FRAME_BYTES": "what a reader believes of a length; writers keep below it",
  "src/log/group-draft.ts#BATCH_BYTES": "how an append is cut for readers",
  "src/log/batch.ts#MAX_TIMESTAMP_MS": "the encoding",
  "src/log/segment-head.ts#SEGMENT_VERSION": "the format",
  "src/log/segment.ts#HEAD_READ_BYTES": "what is read first of a head",
  "src/log/sparse-index.ts#INDEX_INTERVAL_BYTES": "how dense an index is",
  "src/log/synced-note.ts#NOTE_VERSION": "the format",
  "src/log/synced-note.ts#SLOT_BYTES": "the format",
  "src/log/topic-file.ts#TOPIC_VERSION": "the format",
  "src/log/topic-file.ts#MAX_TOPIC_FILE_BYTES": "what is read of a file of fixed shape",
  "src/log/frame.ts#FRAME_HEAD_BYTES": "the format",
  "src/node/disk-reserve.ts#LOOK_EVERY_MS": "how often it looks",
  "src/node/reopening.ts#REOPEN_AFTER_MS": "a pause, under MAX_FAILURES",
  "src/node/quiet.ts#LOOK_EVERY_MS": "how often it looks",
  "src/node/watch.ts#LOOK_EVERY_MS": "how often it looks",
  "src/node/ground.ts#RETENTION_EVERY_MS": "how often it looks",
  "src/partition/address-state.ts#FLAT_BYTES": "what is counted for an address",
  "src/partition/mailbox.ts#HELD_BYTES": "what is counted for a message in memory",
  "src/partition/address-state.ts#VALUE_BYTES": "what is counted for a value",
  "src/invoke/type-names.ts#REMEMBERED": "names remembered, each a short text",
  "src/invoke/type-names.ts#LONGEST_TEXT": "what is remembered and what is not",
  "src/base/packed.ts#MOST_BYTES": "what is kept as a text and what is not",
  "src/partition/timers.ts#SPILL_EVERY_MS": "how often SPILLED_PER_MS is looked to",
  "src/partition/driver.ts#MAX_SLEEP_MS": "how often it looks at a clock that may jump",
  "src/partition/recovery.ts#EPOCHS_OF_A_LOSS": "numbering after a loss",
  "src/partition/recovery.ts#LOST_NUMBERS": "numbering after a loss",
  "src/base/nearest.ts#MAX_LENGTH": "texts too long to be somebody's slip",
  "src/spec/reader/scalars.ts#MAX_TIMER_MS": "the longest timer of the platform",
  "src/store/format.ts#FORMAT_VERSION": "the format",
  "src/store/level.ts#SCAN_BYTES": "what an iterator fetches, under each scan's own bound",
  "src/store/level.ts#SCAN_ENTRIES": "the same",
  "src/store/ordered-map.ts#MAX_CHUNK": "the shape of a tree",
  "src/store/seal.ts#SEAL_BYTES": "the format",
  "src/store/tables-ahead.ts#LEAST_BYTES": "when a thread is worth it",
  "src/store/tables-ahead.ts#MAX_THREADS":
    "more tables take longer, in the memory of two for each thread",
  "src/store/witness.ts#PAGE_BYTES": "the format",
  "src/store/witness.ts#SLOT_BYTES": "the format",
  "src/testing/engine.ts#NAMED_CALLS": "how many addresses an error names",
  "src/testing/engine.ts#REACTION_TURNS": "turns given to a test's own code",
};
