/** A log that shows a witness two histories, with its own key; and a witness that lost its power in between. */
import { join } from "node:path";
import { entriesOf, forge } from "../../audit/liar.ts";
import { WitnessProcess } from "../../audit/processes.ts";
import { type Attack, type Scene, must } from "../harness/attack.ts";
import { Fort } from "../harness/fort.ts";
import { capture, grow } from "../harness/log.ts";
import { moult } from "../harness/moult.ts";
import { preload } from "../harness/preload.ts";

const LEAVES = 8;
const NAME = "alice.example";

/** Starts the witness of a log; the same memory each time. */
async function startWitness(scene: Scene, fort: Fort): Promise<{ readonly url: string; readonly kill: () => unknown }> {
  const started = preload(scene, "moult");
  const args = ["--name", NAME, "--key", join(scene.root, "witness.key"), "--listen", "127.0.0.1:0"];
  const log = ["--log", join(fort.stateDir, "audit", "log.vkey"), "--memory", join(scene.root, "witness.db")];
  const witness = new WitnessProcess([...args, ...log], started.env);
  scene.atEnd(() => witness.kill());
  const url = await witness.serves();
  started.check();
  return { url, kill: () => witness.kill() };
}

const twoHistories: Attack = {
  row: "split view, truncation of the log",
  name: "a witness cosigns one history of a log, before and after kill -9, whoever holds the log's key",
  async run(scene) {
    const key = join(scene.root, "witness.key");
    must(
      (await moult({ ...scene, patches: {} }, "key", "generate", "--out", key)).code === 0,
      "no key for the witness",
    );
    const fort = await Fort.open(scene, { config: { audit: { checkpoint_ms: 100 } } });
    await grow(fort, LEAVES);
    const log = await capture(fort, LEAVES);
    await fort.end("SIGTERM");
    let witness = await startWitness(scene, fort);
    const submit = async (oldSize: number, checkpoint: Uint8Array | undefined): Promise<number> => {
      const body = Buffer.concat([Buffer.from(`old ${oldSize}\n\n`), checkpoint ?? new Uint8Array()]);
      return (await fetch(`${witness.url}/add-checkpoint`, { method: "POST", body })).status;
    };
    const entries = entriesOf(log);
    const other = entries.map((entry) =>
      Buffer.from(Buffer.from(entry).toString("utf8").replace("drill 0", "drill 9")),
    );
    const checkpointOf = (history: readonly Uint8Array[]): Uint8Array | undefined =>
      forge(log, history).get("checkpoint");
    must((await submit(0, log.resources.get("checkpoint"))) === 200, "the first history is not cosigned");
    const refuseAll = async (when: string): Promise<void> => {
      const lies: readonly (readonly [what: string, oldSize: number, history: readonly Uint8Array[]])[] = [
        ["another history of the same size", log.size, other],
        ["another history as if it were the first", 0, other],
        ["a shorter history", log.size, entries.slice(0, -3)],
        ["a shorter history as if it were the first", 0, entries.slice(0, -3)],
        ["a longer history that did not grow out of the first", log.size, [...other, ...entries.slice(0, 2)]],
      ];
      for (const [what, oldSize, history] of lies) {
        const status = await submit(oldSize, checkpointOf(history));
        must(status !== 200, `${what} was cosigned ${when}`);
        must([400, 409, 422].includes(status), `${what} was answered ${status} ${when}`);
      }
    };
    await refuseAll("at once");
    await witness.kill();
    witness = await startWitness(scene, fort);
    await refuseAll("after kill -9");
    const foreign = forge({ ...log, privateKey: new Uint8Array(32).fill(9) }, [...entries, ...entries.slice(0, 1)]);
    must((await submit(log.size, foreign.get("checkpoint"))) === 403, "a checkpoint of another key was not refused");
  },
  mutants: [
    {
      defence: "a history begins where the one before ended",
      of: "moult",
      patches: [
        {
          file: "audit/witness.ts",
          from: 'if (oldSize !== last.size) return { kind: "OTHER_SIZE", size: last.size };',
          to: "",
        },
      ],
      caught: /as if it were the first was cosigned at once/,
    },
    {
      defence: "growth is proved",
      of: "moult",
      patches: [{ file: "audit/witness.ts", from: "return isGrowth ?", to: "return isGrowth || size > oldSize ?" }],
      caught: /a longer history .* was cosigned at once/,
    },
    {
      defence: "a witness remembers across a power cut",
      of: "moult",
      patches: [
        { file: "witness/memory.ts", from: "db = new DatabaseSync(path);", to: 'db = new DatabaseSync(":memory:");' },
      ],
      caught: /was cosigned after kill -9/,
    },
  ],
};

export const witness: readonly Attack[] = [twoHistories];
