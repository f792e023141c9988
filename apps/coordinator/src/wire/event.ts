/** Events between the contract and the watch. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatName } from "@moult/contracts";
import { EventKind, type EventSchema } from "@moult/contracts/v1";
import type { FleetEvent } from "../anomalies/kinds.ts";
import { Fields } from "./fields.ts";
import { writeTime } from "./time.ts";

const KINDS_MAX = 64;

/** Reads a filter; no kinds are all kinds. Throws INVALID_ARGUMENT. */
export function readKinds(kinds: readonly EventKind[]): (event: FleetEvent) => boolean {
  const fields = new Fields();
  fields.check(kinds.length <= KINDS_MAX, "kinds", `at most ${KINDS_MAX}`);
  for (const kind of kinds.slice(0, KINDS_MAX)) {
    fields.check(kind !== EventKind.UNSPECIFIED && EventKind[kind] !== undefined, "kinds", "must be kinds of events");
  }
  fields.done();
  const wanted = new Set(kinds);
  return (event) => wanted.size === 0 || wanted.has(EventKind[event.kind]);
}

/** Writes an event. */
export function writeEvent(event: FleetEvent): MessageInitShape<typeof EventSchema> {
  return {
    name: formatName("events", String(event.eventId)),
    kind: EventKind[event.kind],
    subject: event.subject,
    node: event.nodeId === "" ? "" : formatName("nodes", event.nodeId),
    message: event.message,
    count: event.count,
    firstTime: writeTime(event.firstAtMs),
    lastTime: writeTime(event.lastAtMs),
  };
}
