/** Parsers of the command: what people write, and what comes from files that others made. */
import { parseDurationMs, parseDurationS } from "../../../../apps/cli/src/arguments/duration.ts";
import { parsePair, parsePairs } from "../../../../apps/cli/src/arguments/pairs.ts";
import { parseSelector } from "../../../../apps/cli/src/arguments/selector.ts";
import { parseShare } from "../../../../apps/cli/src/arguments/share.ts";
import { CliError } from "../../../../apps/cli/src/errors.ts";
import { type Parser, bytesOf, oneOf, textOf } from "../parser.ts";

const ARGUMENTS = "apps/cli/src/arguments";
const cli = oneOf(CliError);

export const CLI_PARSERS: readonly Parser[] = [
  {
    name: "a share",
    covers: [`${ARGUMENTS}/share.ts#parseShare`],
    samples: () => ["25%", "0.25", "100%"].map(bytesOf),
    parse: (bytes) => parseShare(textOf(bytes)),
    refuses: cli,
  },
  {
    name: "a selector",
    covers: [`${ARGUMENTS}/selector.ts#parseSelector`],
    samples: () => ["region=eu", "region=eu,model in (m1|m2),x in (a)"].map(bytesOf),
    parse: (bytes) => parseSelector(textOf(bytes)),
    refuses: cli,
  },
  {
    name: "a duration",
    covers: [`${ARGUMENTS}/duration.ts#parseDurationMs`, `${ARGUMENTS}/duration.ts#parseDurationS`],
    samples: () => ["1h30m", "90s", "500ms"].map(bytesOf),
    parse: (bytes) => [parseDurationMs(textOf(bytes)), parseDurationS(textOf(bytes), 86_400)],
    refuses: cli,
  },
  {
    name: "pairs",
    covers: [`${ARGUMENTS}/pairs.ts#parsePair`, `${ARGUMENTS}/pairs.ts#parsePairs`],
    samples: () => ["a=b", "a=b\nc=d=e"].map(bytesOf),
    parse: (bytes) => [parsePairs(textOf(bytes).split("\n"), "K=V"), parsePair(textOf(bytes), "K=V")],
    refuses: cli,
  },
];
