/** Times of messages as people read them. */
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { formatSpan } from "../output/text.ts";

/** How long ago, or how long until; `-` where the time is not known. */
export function relative(time: Timestamp | undefined, nowMs: number): string {
  if (time === undefined) return "-";
  const ms = timestampMs(time) - nowMs;
  // What has just begun to run shall show its whole length.
  return ms > 0 ? `in ${formatSpan(Math.ceil(ms / 1000) * 1000)}` : `${formatSpan(-ms)} ago`;
}
