/** What each limit of the coordinator is for, and what happens at it; see limits-page.ts. */

/** One limit. */
export interface Limit {
  /** What is bounded. */
  readonly what: string;
  /** `file CONSTANT` below the coordinator's `src`, or a key of the configuration. */
  readonly at: string;
  readonly unit?: string;
  /** What happens at it. */
  readonly then: string;
}

const INVALID = "`INVALID_ARGUMENT`, with the field's path";
const REFUSED = "further ones are ended at once; one log line a minute; `moult.connections.refused`";

/** By section. */
export const LIMITS: Readonly<Record<string, readonly Limit[]>> = {
  Connections: [
    { what: "devices' port", at: "grpc.connections_max", then: REFUSED },
    { what: "the same, of one address", at: "grpc.connections_per_address_max", then: REFUSED },
    { what: "JSON port", at: "json.connections_max", then: REFUSED },
    { what: "the same, of one address", at: "json.connections_per_address_max", then: REFUSED },
    { what: "artifacts", at: "artifacts.connections_max", then: REFUSED },
    { what: "the same, of one address", at: "artifacts.connections_per_address_max", then: REFUSED },
    {
      what: "time in which an artifacts connection has to move 1 KiB",
      at: "artifacts.idle_timeout_ms",
      unit: "ms",
      then: "it is ended",
    },
    {
      what: "operators' own port",
      at: "tls/operator-listener.ts CONNECTIONS_MAX",
      then: "further ones are ended at once",
    },
    { what: "metrics port", at: "metrics/endpoint.ts CONNECTIONS_MAX", then: "further ones are ended at once" },
    { what: "connections for reading from PostgreSQL", at: "store/postgres/store.ts READERS_MAX", then: "reads wait" },
  ],
  "Calls and streams": [
    { what: "streams of one connection", at: "rpc/server.ts STREAMS_MAX", then: "the client waits, as HTTP/2 has it" },
    { what: "the same, of another replica", at: "rpc/server.ts HANDED_STREAMS_MAX", then: "as above" },
    {
      what: "a message over gRPC",
      at: "rpc/server.ts MESSAGE_BYTES_MAX",
      unit: "bytes",
      then: "`RESOURCE_EXHAUSTED` before it is decoded",
    },
    { what: "a message over JSON", at: "rpc/json-server.ts MESSAGE_BYTES_MAX", unit: "bytes", then: "the same" },
    {
      what: "one answer that lists, or one message of a watch",
      at: "rpc/message-size.ts MESSAGE_BUDGET_BYTES",
      unit: "bytes",
      then: "the page, or message, ends there and the next goes on",
    },
    { what: "a page of a list", at: "rpc/pages.ts PAGE_MAX", then: "the page ends there" },
    {
      what: "large metadata files on their way to clients",
      at: "rpc/large-files.ts UNDER_WAY_MAX",
      then: "`RESOURCE_EXHAUSTED` `OVERLOADED`, to be asked again in 2 s",
    },
    { what: "a credential", at: "rpc/access.ts TOKEN_MAX", unit: "characters", then: "`UNAUTHENTICATED`" },
    {
      what: "calls of one replica that are worked on",
      at: "replica/trunk-server.ts WORKING_MAX",
      then: "the other replica waits",
    },
    {
      what: "calls that wait to be handed on",
      at: "replica/trunk-client.ts WAITING_MAX",
      then: "`RESOURCE_EXHAUSTED` `OVERLOADED`",
    },
    {
      what: "calls handed on in one message",
      at: "replica/trunk-client.ts BATCH_BYTES_MAX",
      unit: "bytes",
      then: "the next message takes the rest",
    },
  ],
  "The ledger and the store": [
    { what: "decisions in one batch", at: "ledger/owner.ts BATCH_MAX", then: "the next batch takes the rest" },
    {
      what: "rows in one statement on PostgreSQL",
      at: "store/postgres/statements.ts ROWS_MAX",
      then: "the next takes the rest",
    },
    {
      what: "leaves that the log places in one transaction",
      at: "audit/sequencer.ts LEAVES_MAX",
      then: "the next takes the rest",
    },
    {
      what: "such transactions before a checkpoint",
      at: "audit/sequencer.ts TRANSACTIONS_MAX",
      then: "a checkpoint is signed in between",
    },
    {
      what: "operators' requests whose answer is remembered",
      at: "rpc/request-memory.ts KEPT_MAX",
      then: "the oldest is forgotten; its repeat is a new request",
    },
    {
      what: "events kept for `moult event`",
      at: "anomalies/kinds.ts EVENTS_KEPT",
      then: "the oldest goes; the audit log keeps all",
    },
    {
      what: "tries to publish while others publish",
      at: "rpc/metadata-service.ts TURNS_MAX",
      then: "`UNAVAILABLE`; the publisher tries again",
    },
    { what: "nodes that a nudge names", at: "rpc/rollout-service.ts NUDGED_MAX", then: INVALID },
    {
      what: "sessions whose check is remembered",
      at: "identity/sessions.ts KNOWN_MAX",
      then: "the oldest is checked anew",
    },
  ],
  "What looks wrong": [
    {
      what: "events that wait for a watcher that is slow",
      at: "anomalies/anomalies.ts UNREAD_MAX",
      then: "the oldest that it did not read is lost to it; `moult event list` has them",
    },
    {
      what: "asks soon after an answer, in a minute",
      at: "anomalies/rules.ts SOON_ASKS_MAX",
      then: "event `ask-storm`",
    },
    {
      what: "devices of one token, in a minute",
      at: "anomalies/rules.ts ENROLMENTS_MAX",
      then: "event `enrolment-burst`",
    },
    {
      what: "wrong credentials of one address, in a minute",
      at: "anomalies/rules.ts FAILURES_MAX",
      then: "event `authentication-failures`",
    },
    {
      what: "addresses, tokens and nodes that are watched",
      at: "anomalies/rules.ts WATCHED_MAX",
      then: "the oldest is forgotten",
    },
    { what: "releases whose dial is watched", at: "anomalies/rules.ts DIALS_MAX", then: "the oldest is forgotten" },
    {
      what: "events of one kind told by themselves, in a minute",
      at: "anomalies/coalesce.ts SUBJECTS_A_MINUTE",
      then: "the rest is told as one",
    },
    {
      what: "subjects whose repeats are counted",
      at: "anomalies/coalesce.ts COUNTED_MAX",
      then: "the longest counted is told and forgotten",
    },
    {
      what: "late nodes that the search for clones remembers",
      at: "anomalies/forks.ts LATE_NODES_MAX",
      then: "the oldest is forgotten",
    },
  ],
  Fields: [
    { what: "builds that an ask names as abandoned", at: "wire/ask.ts DENIED_MAX", then: INVALID },
    { what: "features that an ask names", at: "wire/ask.ts FEATURES_MAX", then: INVALID },
    { what: "shards of a situation", at: "wire/situation.ts SHARDS_MAX", then: INVALID },
    { what: "domains of a node", at: "wire/enrolment.ts DOMAINS_MAX", then: INVALID },
    { what: "labels", at: "wire/fields.ts LABELS_MAX", then: INVALID },
    { what: "a moment", at: "wire/fields.ts SECONDS_MAX", then: INVALID },
    { what: "nodes that a dial names", at: "wire/rollout.ts NAMED_MAX", then: INVALID },
    { what: "selectors of a dial", at: "wire/rollout.ts SELECTORS_MAX", then: INVALID },
    { what: "requirements of a selector", at: "wire/rollout.ts REQUIREMENTS_MAX", then: INVALID },
    { what: "values of a requirement", at: "wire/rollout.ts VALUES_MAX", then: INVALID },
    { what: "nodes of an override", at: "wire/override.ts NODES_MAX", then: INVALID },
    { what: "life of an override", at: "wire/override.ts TTL_MAX_S", unit: "s", then: INVALID },
    { what: "an override from the future", at: "wire/override.ts AHEAD_MAX_MS", unit: "ms", then: INVALID },
    { what: "kinds that a list of events asks for", at: "wire/event.ts KINDS_MAX", then: INVALID },
    { what: "manifests of a release", at: "wire/release.ts MANIFESTS_MAX", then: INVALID },
    { what: "a reason", at: "rpc/fleet-service.ts REASON_LENGTH_MAX", unit: "characters", then: INVALID },
    { what: "uses of an enrolment token", at: "rpc/fleet-service.ts USES_MAX", then: INVALID },
    { what: "life of an enrolment token", at: "rpc/fleet-service.ts TOKEN_TTL_MAX_S", unit: "s", then: INVALID },
    { what: "a request's id", at: "rpc/request-memory.ts ID_MAX", unit: "characters", then: INVALID },
  ],
  "Files and keys": [
    { what: "a part that is uploaded", at: "artifacts.part_bytes_max", unit: "bytes", then: "413 before it is read" },
    {
      what: "the table of operators",
      at: "identity/operators-file.ts FILE_BYTES_MAX",
      unit: "bytes",
      then: "it is not taken; the last one stays",
    },
    {
      what: "certificates, or tokens, of one operator",
      at: "identity/operators-file.ts CREDENTIALS_MAX",
      then: "the same",
    },
    { what: "breakers' brakes that are held", at: "trust/brakes.ts HELD_MAX", then: "`RESOURCE_EXHAUSTED`" },
    { what: "the same, of one breaker", at: "trust/brakes.ts HELD_OF_ONE_MAX", then: "`RESOURCE_EXHAUSTED`" },
    {
      what: "brakes that were lifted and are remembered",
      at: "trust/brakes.ts RESTING_MAX",
      then: "the oldest is forgotten",
    },
    {
      what: "brakes in one verdict",
      at: "trust/brakes.ts IN_VERDICT_MAX",
      then: "the others are fetched with the timestamp",
    },
  ],
  "Metrics and logs": [
    { what: "pools that metrics name", at: "metrics/readings.ts POOLS_MAX", then: "the smaller ones are `(others)`" },
    {
      what: "log lines of one sentence with different facts, in a minute",
      at: "logs/sparing-log.ts VARIANTS_MAX",
      then: "further ones are counted together",
    },
  ],
};
