/** What each limit of the coordinator is for, and what happens at it; see limits-page.ts. */

/** One limit. */
export interface Limit {
  /** What is bounded. */
  readonly what: string;
  /** `file CONSTANT` below the coordinator's `src`, or a key of the configuration. */
  readonly at: string;
  readonly unit?: string;
  /** What happens at it. */
  readonly outcome: string;
}

const INVALID = "`INVALID_ARGUMENT`, with the field's path";
const REFUSED = "further ones are ended at once; one log line a minute; `moult.connections.refused`";

/** By section. */
export const LIMITS: Readonly<Record<string, readonly Limit[]>> = {
  Connections: [
    { what: "devices' port", at: "grpc.connections_max", outcome: REFUSED },
    { what: "the same, of one address", at: "grpc.connections_per_address_max", outcome: REFUSED },
    { what: "JSON port", at: "json.connections_max", outcome: REFUSED },
    { what: "the same, of one address", at: "json.connections_per_address_max", outcome: REFUSED },
    { what: "artifacts", at: "artifacts.connections_max", outcome: REFUSED },
    { what: "the same, of one address", at: "artifacts.connections_per_address_max", outcome: REFUSED },
    {
      what: "what still comes of an upload that was refused",
      at: "artifacts/endpoint.ts LINGER_BYTES_MAX",
      unit: "bytes",
      outcome: "the connection is cut",
    },
    {
      what: "time in which an artifacts connection has to move 1 KiB",
      at: "artifacts.idle_timeout_ms",
      unit: "ms",
      outcome: "it is ended",
    },
    {
      what: "operators' own port",
      at: "tls/operator-listener.ts CONNECTIONS_MAX",
      outcome: "further ones are ended at once",
    },
    { what: "metrics port", at: "metrics/endpoint.ts CONNECTIONS_MAX", outcome: "further ones are ended at once" },
    {
      what: "connections for reading from PostgreSQL",
      at: "store/postgres/store.ts READERS_MAX",
      outcome: "reads wait",
    },
  ],
  "Calls and streams": [
    {
      what: "streams of one connection",
      at: "rpc/server.ts STREAMS_MAX",
      outcome: "the client waits, as HTTP/2 has it",
    },
    {
      what: "a message over gRPC",
      at: "rpc/server.ts MESSAGE_BYTES_MAX",
      unit: "bytes",
      outcome: "`RESOURCE_EXHAUSTED` before it is decoded",
    },
    {
      what: "the same, of the services of devices, of health and of reflection on the devices' port",
      at: "rpc/server.ts DEVICE_MESSAGE_BYTES_MAX",
      unit: "bytes",
      outcome: "the same",
    },
    { what: "a message over JSON", at: "rpc/json-server.ts MESSAGE_BYTES_MAX", unit: "bytes", outcome: "the same" },
    {
      what: "one answer that lists, or one message of a watch",
      at: "rpc/message-size.ts MESSAGE_BUDGET_BYTES",
      unit: "bytes",
      outcome: "the page, or message, ends there and the next goes on",
    },
    { what: "a page of a list", at: "rpc/pages.ts PAGE_MAX", outcome: "the page ends there" },
    {
      what: "large metadata files on their way to clients",
      at: "rpc/large-files.ts UNDER_WAY_MAX",
      outcome: "`RESOURCE_EXHAUSTED` `OVERLOADED`, to be asked again in 2 s",
    },
    { what: "a credential", at: "rpc/access.ts TOKEN_MAX", unit: "characters", outcome: "`UNAUTHENTICATED`" },
    {
      what: "calls of one replica that are worked on",
      at: "replica/trunk-desk.ts WORKING_MAX",
      outcome: "the other replica waits",
    },
    {
      what: "calls that wait to be handed on",
      at: "replica/trunk-client.ts WAITING_MAX",
      outcome: "`RESOURCE_EXHAUSTED` `OVERLOADED`",
    },
    {
      what: "what waits to be written to the replica that decides",
      at: "replica/trunk-client.ts UNWRITTEN_BYTES_MAX",
      unit: "bytes",
      outcome: "`RESOURCE_EXHAUSTED` `OVERLOADED`",
    },
    {
      what: "calls handed on by themselves that wait for an answer",
      at: "replica/forward.ts UNARY_MAX",
      outcome: "`RESOURCE_EXHAUSTED` `OVERLOADED`",
    },
    {
      what: "streams handed on by themselves that are cancelled at once, on one connection",
      at: "replica/paced-cancels.ts CANCELS_AT_ONCE_MAX",
      outcome: "further ones are cancelled in their turn, and hold their places until then",
    },
    {
      what: "questions about the seat that the database has not answered",
      at: "replica/seating.ts UNANSWERED_MAX",
      outcome: "no more are asked; the replica is not ready",
    },
    {
      what: "calls handed on in one message",
      at: "replica/trunk-client.ts BATCH_BYTES_MAX",
      unit: "bytes",
      outcome: "the next message takes the rest",
    },
  ],
  "HTTP/2 of the devices' port": [
    {
      what: "a message of a method that says nothing else",
      at: "http2/server.ts MESSAGE_BYTES_MAX",
      unit: "bytes",
      outcome: "`RESOURCE_EXHAUSTED`, by its prefix, before it is read",
    },
    {
      what: "streams of a connection, where nothing else is said",
      at: "http2/server.ts STREAMS_MAX",
      outcome: "the client waits, as HTTP/2 has it",
    },
    {
      what: "messages of one connection that have begun and are not whole, and requests whose calls have not ended",
      at: "http2/server.ts PARTIAL_BYTES_MAX",
      unit: "bytes",
      outcome: "`RESOURCE_EXHAUSTED`",
    },
    {
      what: "the same, of all connections",
      at: "http2/server.ts OVERALL_PARTIAL_BYTES_MAX",
      unit: "bytes",
      outcome: "`RESOURCE_EXHAUSTED`",
    },
    {
      what: "time from a call's headers to the end of its one request",
      at: "http2/server.ts REQUEST_MS_MAX",
      unit: "ms",
      outcome: "`DEADLINE_EXCEEDED`",
    },
    {
      what: "the same, for a request that came when all room was taken",
      at: "http2/server.ts CROWDING_MS_MAX",
      unit: "ms",
      outcome: "`RESOURCE_EXHAUSTED` `OVERLOADED`",
    },
    {
      what: "messages of a stream that are read ahead",
      at: "http2/requests.ts AHEAD_MAX",
      outcome: "it is not read further until they are taken",
    },
    { what: "the same, in bytes", at: "http2/requests.ts AHEAD_BYTES_MAX", unit: "bytes", outcome: "as above" },
    {
      what: "headers of a call",
      at: "http2/server.ts HEADERS_MAX",
      outcome: "the stream is refused, as HTTP/2 has it",
    },
    { what: "the same, in bytes", at: "http2/server.ts HEADER_BYTES_MAX", unit: "bytes", outcome: "as above" },
    {
      what: "a message that is packed with gzip, to what it takes packed",
      at: "http2/inflate.ts GZIP_RATIO_MAX",
      outcome: "no more room is asked for: gzip cannot pack closer",
    },
    {
      what: "a call's deadline",
      at: "http2/deadline.ts TIMEOUT_MS_MAX",
      unit: "ms",
      outcome: "a longer one is as none",
    },
    {
      what: "a path that is repeated to its caller",
      at: "http2/server.ts PATH_SHOWN_MAX",
      unit: "characters",
      outcome: "the rest is left out",
    },
    {
      what: "an error's words",
      at: "http2/trailers.ts MESSAGE_CHARACTERS_MAX",
      unit: "characters",
      outcome: "the rest is left out",
    },
    {
      what: "an error's details, in base64",
      at: "http2/trailers.ts DETAILS_CHARACTERS_MAX",
      unit: "characters",
      outcome: "they are left out",
    },
  ],
  Replicas: [
    {
      what: "streams that are handed on each by itself: watches and the like",
      at: "replica/own-streams.ts STREAMS_MAX",
      outcome: "`RESOURCE_EXHAUSTED` `OVERLOADED`",
    },
    {
      what: "devices' streams that are handed on together",
      at: "replica/trunk-client.ts STREAMS_MAX",
      outcome: "`RESOURCE_EXHAUSTED` `OVERLOADED`",
    },
    {
      what: "a device's request that is handed on",
      at: "replica/trunk-client.ts REQUEST_BYTES_MAX",
      unit: "bytes",
      outcome: "`RESOURCE_EXHAUSTED`",
    },
    {
      what: "an answer that goes back over a trunk",
      at: "replica/trunk-server.ts ANSWER_BYTES_MAX",
      unit: "bytes",
      outcome: "`RESOURCE_EXHAUSTED`, and no other call is touched",
    },
    {
      what: "answers that go back in one message",
      at: "replica/trunk-desk.ts MESSAGE_BYTES_MAX",
      unit: "bytes",
      outcome: "the next message takes the rest",
    },
    {
      what: "callers that a replica and the one that decides know by number",
      at: "replica/trunk-numbers.ts CALLERS_MAX",
      outcome: "the oldest number is given to the next; its caller is named anew",
    },
    {
      what: "methods that they know by number",
      at: "replica/trunk-numbers.ts METHODS_MAX",
      outcome: "further ones are named in each call",
    },
    {
      what: "what is kept of a caller under a number",
      at: "replica/trunk-numbers.ts KEPT_BYTES_MAX",
      unit: "bytes",
      outcome: "a longer one is named in each call",
    },
    {
      what: "messages of a handed-on stream that are not taken yet",
      at: "replica/trunk-stream.ts AHEAD_MAX",
      outcome: "the device, or the one that decides, waits",
    },
  ],
  "The ledger and the store": [
    { what: "decisions in one batch", at: "ledger/owner.ts BATCH_MAX", outcome: "the next batch takes the rest" },
    { what: "their changes, beside one decision's", at: "ledger/owner.ts BATCH_CHANGES_MAX", outcome: "as above" },
    {
      what: "leaves that are kept for the tree after they were written, in characters",
      at: "store/sqlite/leaf-tail.ts CHARS_MAX",
      outcome: "they are read from the file",
    },
    {
      what: "rows in one statement on PostgreSQL",
      at: "store/postgres/statements.ts ROWS_MAX",
      outcome: "the next takes the rest",
    },
    {
      what: "leaves that the log places in one transaction",
      at: "audit/sequencer.ts LEAVES_MAX",
      outcome: "the next takes the rest",
    },
    {
      what: "such transactions before a checkpoint",
      at: "audit/sequencer.ts TRANSACTIONS_MAX",
      outcome: "a checkpoint is signed in between",
    },
    {
      what: "operators' requests whose answer is remembered",
      at: "rpc/request-memory.ts KEPT_MAX",
      outcome: "the oldest is forgotten; its repeat is a new request",
    },
    {
      what: "events kept for `moult event`",
      at: "anomalies/kinds.ts EVENTS_KEPT",
      outcome: "the oldest goes; the audit log keeps all",
    },
    {
      what: "tries to publish while others publish",
      at: "rpc/metadata-service.ts TURNS_MAX",
      outcome: "`UNAVAILABLE`; the publisher tries again",
    },
    { what: "nodes that a nudge names", at: "rpc/rollout-service.ts NUDGED_MAX", outcome: INVALID },
    {
      what: "sessions whose check is remembered",
      at: "identity/sessions.ts KNOWN_MAX",
      outcome: "the oldest is checked anew",
    },
  ],
  "What looks wrong": [
    {
      what: "events that wait for a watcher that is slow",
      at: "anomalies/anomalies.ts UNREAD_MAX",
      outcome: "the oldest that it did not read is lost to it; `moult event list` has them",
    },
    {
      what: "asks soon after an answer, in a minute",
      at: "anomalies/rules.ts SOON_ASKS_MAX",
      outcome: "event `ask-storm`",
    },
    {
      what: "devices of one token, in a minute",
      at: "anomalies/rules.ts ENROLMENTS_MAX",
      outcome: "event `enrolment-burst`",
    },
    {
      what: "wrong credentials of one address, in a minute",
      at: "anomalies/rules.ts FAILURES_MAX",
      outcome: "event `authentication-failures`",
    },
    {
      what: "addresses, tokens and nodes that are watched",
      at: "anomalies/rules.ts WATCHED_MAX",
      outcome: "the oldest is forgotten",
    },
    { what: "releases whose dial is watched", at: "anomalies/rules.ts DIALS_MAX", outcome: "the oldest is forgotten" },
    {
      what: "events of one kind told by themselves, in a minute",
      at: "anomalies/coalesce.ts SUBJECTS_A_MINUTE",
      outcome: "the rest is told as one",
    },
    {
      what: "subjects whose repeats are counted",
      at: "anomalies/coalesce.ts COUNTED_MAX",
      outcome: "the longest counted is told and forgotten",
    },
    {
      what: "late nodes that the search for clones remembers",
      at: "anomalies/forks.ts LATE_NODES_MAX",
      outcome: "the oldest is forgotten",
    },
  ],
  Fields: [
    { what: "builds that an ask names as abandoned", at: "wire/ask.ts DENIED_MAX", outcome: INVALID },
    { what: "features that an ask names", at: "wire/ask.ts FEATURES_MAX", outcome: INVALID },
    { what: "shards of a situation", at: "wire/situation.ts SHARDS_MAX", outcome: INVALID },
    { what: "domains of a node", at: "wire/enrolment.ts DOMAINS_MAX", outcome: INVALID },
    { what: "labels", at: "wire/fields.ts LABELS_MAX", outcome: INVALID },
    { what: "a moment", at: "wire/fields.ts SECONDS_MAX", outcome: INVALID },
    { what: "nodes that a dial names", at: "wire/rollout.ts NAMED_MAX", outcome: INVALID },
    { what: "selectors of a dial", at: "wire/rollout.ts SELECTORS_MAX", outcome: INVALID },
    { what: "requirements of a selector", at: "wire/rollout.ts REQUIREMENTS_MAX", outcome: INVALID },
    { what: "values of a requirement", at: "wire/rollout.ts VALUES_MAX", outcome: INVALID },
    { what: "nodes of an override", at: "wire/override.ts NODES_MAX", outcome: INVALID },
    { what: "life of an override", at: "wire/override.ts TTL_MAX_S", unit: "s", outcome: INVALID },
    { what: "an override from the future", at: "wire/override.ts AHEAD_MAX_MS", unit: "ms", outcome: INVALID },
    { what: "kinds that a list of events asks for", at: "wire/event.ts KINDS_MAX", outcome: INVALID },
    { what: "manifests of a release", at: "wire/release.ts MANIFESTS_MAX", outcome: INVALID },
    { what: "a reason", at: "rpc/fleet-service.ts REASON_LENGTH_MAX", unit: "characters", outcome: INVALID },
    { what: "uses of an enrolment token", at: "rpc/fleet-service.ts USES_MAX", outcome: INVALID },
    { what: "life of an enrolment token", at: "rpc/fleet-service.ts TOKEN_TTL_MAX_S", unit: "s", outcome: INVALID },
    { what: "a request's id", at: "rpc/request-memory.ts ID_MAX", unit: "characters", outcome: INVALID },
  ],
  "Files and keys": [
    {
      what: "a part that is uploaded",
      at: "artifacts.part_bytes_max",
      unit: "bytes",
      outcome: "413 before it is read",
    },
    {
      what: "the table of operators",
      at: "identity/operators-file.ts FILE_BYTES_MAX",
      unit: "bytes",
      outcome: "it is not taken; the last one stays",
    },
    {
      what: "certificates, or tokens, of one operator",
      at: "identity/operators-file.ts CREDENTIALS_MAX",
      outcome: "the same",
    },
    { what: "breakers' brakes that are held", at: "trust/brakes.ts HELD_MAX", outcome: "`RESOURCE_EXHAUSTED`" },
    { what: "the same, of one breaker", at: "trust/brakes.ts HELD_OF_ONE_MAX", outcome: "`RESOURCE_EXHAUSTED`" },
    {
      what: "brakes that were lifted and are remembered",
      at: "trust/brakes.ts RESTING_MAX",
      outcome: "the oldest is forgotten",
    },
    {
      what: "brakes in one verdict",
      at: "trust/brakes.ts IN_VERDICT_MAX",
      outcome: "the others are fetched with the timestamp",
    },
  ],
  "Metrics and logs": [
    {
      what: "pools that metrics name",
      at: "metrics/readings.ts POOLS_MAX",
      outcome: "the smaller ones are `(others)`",
    },
    {
      what: "log lines of one sentence with different facts, in a minute",
      at: "logs/sparing-log.ts VARIANTS_MAX",
      outcome: "further ones are counted together",
    },
  ],
};
