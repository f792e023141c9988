/** Published metadata and signed brakes for people. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { GetMetadataStatusResponse, SignedBrake } from "@moult/contracts/v1";
import type { Style } from "../output/style.ts";
import { type Cell, renderPairs, renderTable } from "../output/table.ts";
import { printable } from "../output/text.ts";
import { relative } from "./time.ts";

/** With less than this left devices soon refuse to move: the publisher is late. In milliseconds. */
const LATE_MS = 6 * 60 * 60 * 1000;

/** What is published. `verified`: whether it was verified here too. */
export function metadataDetail(
  status: GetMetadataStatusResponse,
  style: Style,
  nowMs: number,
  verified = false,
): string {
  const rows = status.files.map((file): readonly Cell[] => [
    file.role === "targets" ? "allowlist" : printable(file.role),
    String(file.version),
    relative(file.expireTime, nowMs),
  ]);
  const files = renderTable({ head: ["FILE", "VERSION", "EXPIRES"], rows }, style, "Nothing is published yet.");
  const pairs: [string, Cell][] = [
    ["builds allowed", String(status.builds)],
    ["devices move until", stale(status, nowMs)],
    ["verified", verified ? { text: "here too, from your root on", tone: "good" } : "by the coordinator"],
  ];
  return `${files}${renderPairs(pairs, style)}${signedBrakes(status.brakes, style, nowMs)}`;
}

/** One line a signed brake; nothing where there is none. */
export function signedBrakes(brakes: readonly SignedBrake[], style: Style, nowMs: number): string {
  if (brakes.length === 0) return "";
  const rows = brakes.map((brake): readonly Cell[] => [
    { text: printable(brake.digest), tone: "bad" },
    relative(brake.expireTime, nowMs),
    printable(brake.breaker.slice(0, 12)),
    printable(brake.reason),
  ]);
  return renderTable({ head: ["SIGNED BRAKE", "ENDS", "BREAKER", "REASON"], rows }, style, "");
}

function stale({ staleTime }: GetMetadataStatusResponse, nowMs: number): Cell {
  if (staleTime === undefined) return "-";
  const leftMs = timestampMs(staleTime) - nowMs;
  if (leftMs <= 0)
    return { text: `${relative(staleTime, nowMs)}: nothing moves until the publisher renews`, tone: "bad" };
  return leftMs < LATE_MS ? { text: relative(staleTime, nowMs), tone: "warning" } : relative(staleTime, nowMs);
}
