/**
 * Trace context without state: all messages of one node about one build get the same trace id, on whichever side of a
 * restart they are sent, so that a move can be followed from the ask to the outcome.
 */
import { createHash } from "node:crypto";

/** W3C `traceparent`. `span` tells this message from the others of its trace. */
export function traceParent(node: string, digest: string, span: string): string {
  return `00-${hex(`${node} ${digest}`, 32)}-${hex(span, 16)}-01`;
}

function hex(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}
