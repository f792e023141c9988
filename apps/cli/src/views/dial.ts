/** The dial for people. */
import type { Dial } from "@moult/contracts/v1";
import { idOf } from "../arguments/names.ts";
import { formatSelector } from "../arguments/selector.ts";
import type { Style } from "../output/style.ts";
import { renderPairs } from "../output/table.ts";
import { formatShare, printable } from "../output/text.ts";
import { relative } from "./time.ts";

/** As many names are written out; the rest is counted. */
const NAMES_SHOWN = 20;

/** The dial of one release. */
export function dialDetail(dial: Dial, style: Style, nowMs: number): string {
  return renderPairs(
    [
      ["release", printable(idOf(dial.release))],
      ["dial", { text: settingText(dial.setting), tone: "strong" }],
      ["turned", relative(dial.updateTime, nowMs)],
      ...(dial.deadlineTime === undefined ? [] : [["deadline", relative(dial.deadlineTime, nowMs)] as const]),
    ],
    style,
  );
}

function settingText(setting: Dial["setting"]): string {
  switch (setting.case) {
    case undefined:
    case "nobody":
      return "nobody";
    case "everyone":
      return "everyone";
    case "share":
      return `a share of ${formatShare(setting.value.fraction)}`;
    case "named": {
      const { nodes, selectors } = setting.value;
      const names = [...nodes.map(idOf), ...selectors.map((selector) => formatSelector(selector.requirements))];
      const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : "";
      return printable(`named: ${names.slice(0, NAMES_SHOWN).join("; ")}${more}`);
    }
    default:
      return setting satisfies never;
  }
}
