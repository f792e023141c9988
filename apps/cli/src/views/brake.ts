/** The brake for people. */
import type { Brake } from "@moult/contracts/v1";
import type { Style } from "../output/style.ts";
import { renderPairs } from "../output/table.ts";
import { printable } from "../output/text.ts";
import { relative } from "./time.ts";

/** Whether it is on, why and since when. */
export function brakeDetail(brake: Brake, style: Style, nowMs: number): string {
  return renderPairs(
    [
      ["brake", brake.engaged ? { text: "engaged", tone: "bad" } : { text: "released", tone: "good" }],
      ["reason", brake.reason === "" ? "-" : printable(brake.reason)],
      ["changed", relative(brake.updateTime, nowMs)],
    ],
    style,
  );
}
