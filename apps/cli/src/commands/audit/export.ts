/** `moult audit export`: the whole history as lines, checked before anybody gets to see it. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import type { Command } from "commander";
import { openLog } from "../../audit/log-source.ts";
import { type LogOptions, addLogVerb, readLogSettings } from "../../audit/options.ts";
import { leafJson } from "../../audit/shown-leaf.ts";
import { verifyLog } from "../../audit/verify-log.ts";
import { print } from "../../output/print.ts";
import { statusLine } from "../../output/progress.ts";
import type { Ports } from "../../ports.ts";

interface Options extends LogOptions {
  readonly out: string;
  readonly pool?: string;
}

/** Adds the verb. */
export function addAuditExport(parent: Command, ports: Ports): void {
  addLogVerb(parent, {
    usage: "export",
    summary: "Write a log's leaves to a file, one JSON object a line, once the whole log is verified",
    detail:
      "Checks as `moult audit verify` does. The file appears whole and only when all of it was found right. Each line has " +
      "index, network, pool, seq, atMs, kind and body; a body of more than 32 KiB is given by bodyDigest and bodyBytes.",
    examples: ["moult audit export --state-dir ./state --out history.jsonl"],
  })
    .requiredOption("--out <file>", "the file to write, or to replace")
    .option("--pool <name>", "only the leaves of this pool; * for those that concern no single pool")
    .action(async (options: Options) => {
      const settings = readLogSettings(options, ports.env);
      const source = openLog(settings);
      const line = statusLine(ports);
      const temporary = `${options.out}.new`;
      const file = openSync(temporary, "w", 0o644);
      let written = 0;
      try {
        const { checkpoint } = await verifyLog(source, settings, {
          onLeaf(leaf, index) {
            if (options.pool !== undefined && leaf.pool !== options.pool) return;
            const bytes = Buffer.from(`${JSON.stringify(leafJson(leaf, index))}\n`);
            for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
            written += 1;
          },
          onProgress: (leaves, total) => line.show(`${leaves} of ${total} leaves`),
        });
        fsyncSync(file);
        renameSync(temporary, options.out);
        line.clear();
        print(ports, options.output, {
          json: { file: options.out, written, leaves: checkpoint.size, origin: checkpoint.origin },
          table: () => `${written} of ${checkpoint.size} leaves in ${options.out}\n`,
        });
      } finally {
        line.clear();
        source.close();
        closeSync(file);
        rmSync(temporary, { force: true });
      }
    });
}
