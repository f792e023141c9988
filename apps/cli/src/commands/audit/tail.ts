/** `moult audit tail`: the newest leaves, and those that come, each checkpoint checked against the one before. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { stringify } from "yaml";
import { parseDurationMs } from "../../arguments/duration.ts";
import { wholeNumber } from "../../arguments/numbers.ts";
import { FollowedLog } from "../../audit/follow-log.ts";
import { openLog } from "../../audit/log-source.ts";
import { type LogOptions, addLogVerb, readLogSettings } from "../../audit/options.ts";
import { leafJson, leafLine } from "../../audit/shown-leaf.ts";
import { fetchCheckpoint } from "../../audit/verify-log.ts";
import type { Ports } from "../../ports.ts";
import { about } from "../../verb.ts";

interface Options extends LogOptions {
  readonly last: number;
  readonly count?: number;
  readonly every: number;
}

const LAST_DEFAULT = 10;
const LAST_MAX = 100_000;
const EVERY_DEFAULT = "2s";

/** Adds the verb. */
export function addAuditTail(parent: Command, ports: Ports): void {
  addLogVerb(parent, {
    usage: "tail",
    summary: "Show the newest leaves of a log, and those that come",
    detail:
      "Each new checkpoint must be of a tree that grew out of the one before; exit code 6 where it is not. With -o json each " +
      "line is one JSON object. Ends with Ctrl-C, or after --count leaves.",
    examples: ["moult audit tail --state-dir ./state", "moult audit tail --last 100 --count 100 -o json"],
  })
    .option(
      "--last <n>",
      "begin with so many of those that are there",
      about("--last", wholeNumber(0, LAST_MAX)),
      LAST_DEFAULT,
    )
    .option("--count <n>", "end after this many", about("--count", wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .option(
      "--every <duration>",
      `time between two looks (default: ${EVERY_DEFAULT})`,
      about("--every", parseDurationMs),
      parseDurationMs(EVERY_DEFAULT),
    )
    .action(async (options: Options) => {
      const settings = readLogSettings(options, ports.env);
      const signal = ports.interrupted();
      const source = openLog(settings);
      const followed = new FollowedLog(source);
      let left = options.count ?? Number.POSITIVE_INFINITY;
      try {
        while (!signal.aborted) {
          const { checkpoint } = await fetchCheckpoint(source, settings);
          for (const [leaf, index] of await followed.advance(checkpoint, Math.max(0, checkpoint.size - options.last))) {
            ports.stdout.write(format(options.output, leafJson(leaf, index), leafLine(leaf, index)));
            left -= 1;
            if (left === 0) return;
          }
          // Ctrl-C is how this is meant to end.
          await sleep(options.every, undefined, { signal }).catch(() => undefined);
        }
      } finally {
        source.close();
      }
    });
}

function format(form: Options["output"], json: unknown, line: string): string {
  switch (form) {
    case "json":
      return `${JSON.stringify(json)}\n`;
    case "yaml":
      return `---\n${stringify(json)}`;
    case "table":
      return `${line}\n`;
  }
}
