/** `moult audit verify`: the whole history, downloaded again and worked out anew. */
import type { Command } from "commander";
import { openLog } from "../../audit/log-source.ts";
import { type LogOptions, addLogVerb, readLogSettings } from "../../audit/options.ts";
import { readSaved, save } from "../../audit/saved-checkpoint.ts";
import { verifyLog } from "../../audit/verify-log.ts";
import { print } from "../../output/print.ts";
import { statusLine } from "../../output/progress.ts";
import { renderPairs } from "../../output/table.ts";
import { formatBytes, printable } from "../../output/text.ts";
import type { Ports } from "../../ports.ts";

interface Options extends LogOptions {
  readonly checkpoint?: string;
  readonly network?: string;
}

/** Adds the verb. */
export function addAuditVerify(parent: Command, ports: Ports): void {
  addLogVerb(parent, {
    usage: "verify",
    summary: "Re-check a log's whole history from outside",
    detail:
      "Downloads the checkpoint, all tiles and all entries, and works everything out anew: the log's signature, the witnesses' " +
      "cosignatures, the hash of each leaf, each tile, the root, the form of each leaf, and that each pool's leaves are numbered " +
      "without a gap. With --checkpoint also that the log begins with the tree that was seen the last time; the file is made " +
      "where it is not there, and holds the new checkpoint afterwards. Exit code 6 where anything is not as it must be.",
    examples: [
      "moult audit verify --state-dir ./state",
      "moult audit verify --log https://127.0.0.1:7444/v1/audit --key log.vkey --ca ca.pem --checkpoint seen",
      "moult audit verify --witness alice.vkey --witness bob.vkey --quorum 1 -o json",
    ],
  })
    .option("--checkpoint <file>", "the checkpoint of the last check, and of this one afterwards")
    .option("--network <name>", "the network that every leaf must be of; that of the first where not given")
    .action(async (options: Options) => {
      const settings = readLogSettings(options, ports.env);
      const seen = options.checkpoint === undefined ? undefined : readSaved(options.checkpoint, settings.key);
      const source = openLog(settings);
      const line = statusLine(ports);
      const begunMs = performance.now();
      const verified = await verifyLog(source, settings, {
        network: options.network,
        saved: seen === undefined ? [] : [seen],
        onProgress: (leaves, total) => line.show(`${leaves} of ${total} leaves`),
      }).finally(() => {
        line.clear();
        source.close();
      });
      const elapsedMs = Math.round(performance.now() - begunMs);
      const { checkpoint, cosigned, pools, tiles, bodies, entryBytes } = verified;
      if (options.checkpoint !== undefined) save(options.checkpoint, checkpoint);
      const root = Buffer.from(checkpoint.root).toString("base64");
      const who = cosigned.map(({ name }) => printable(name)).join(", ");
      print(ports, options.output, {
        json: {
          log: settings.url,
          origin: checkpoint.origin,
          leaves: checkpoint.size,
          root,
          tiles,
          bodies,
          entryBytes,
          pools: Object.fromEntries(pools),
          witnesses: cosigned.map(({ name, timeS }) => ({ name, timeS })),
          quorum: settings.quorum,
          consistentWith: seen?.size ?? null,
          elapsedMs,
        },
        table: (style) =>
          renderPairs(
            [
              ["verified", { text: `${checkpoint.size} leaves, each as its tile says`, tone: "good" }],
              ["log", `${printable(checkpoint.origin)}, signed with key ${settings.key.keyId}`],
              ["root", `${root}, worked out anew`],
              ["tiles", `${tiles}, all over their leaves`],
              ["entries", `${formatBytes(entryBytes)}, ${bodies} larger bodies beside them`],
              ["pools", `${pools.size}, each numbered without a gap`],
              ["witnesses", `${cosigned.length} cosigned, ${settings.quorum} needed${who === "" ? "" : `: ${who}`}`],
              [
                "history",
                seen === undefined
                  ? "no earlier checkpoint was given"
                  : `begins with the ${seen.size} leaves seen before`,
              ],
            ],
            style,
          ),
      });
    });
}
