/** Whatever stands in a slot or in the state, the factory's agent starts. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { putOnTrial, slotLayout } from "@moult/slots";
import { describe, expect, it } from "vitest";
import { nodeDisk } from "../adapters/node-disk.ts";
import { findWork } from "../adapters/work/find.ts";
import { GOOD_AGENT, LaunchedDevice } from "../testing/launched-device.ts";
import { chooseBoot } from "./boot.ts";
import { readStartNote } from "./leftovers.ts";
import { openSite } from "./site.ts";

/** What may stand where a file should. */
const garbage = fc.oneof(
  fc.constant(""),
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom("moult-sealed/v1 \n{}", "null", "[]", '{"sequence":1e99}', "x".repeat(3_000_000)),
  fc.constantFrom("folder" as const, "fifo" as const, "loop" as const),
);

function place(path: string, what: string | Uint8Array): void {
  rmSync(path, { recursive: true, force: true });
  if (what === "folder") mkdirSync(path);
  else if (what === "fifo") execFileSync("mkfifo", [path]);
  else if (what === "loop") execFileSync("ln", ["-s", "/dev/zero", path]);
  else writeFileSync(path, what);
}

/** Every file below. */
function filesIn(folder: string): readonly string[] {
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
  return names.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
}

describe("the launcher", () => {
  it("starts the factory's agent whatever stands in the slots, the state and the notes", async () => {
    const runs = process.env["MOULT_DEEP"] === "1" ? 2_000 : 12;
    await fc.assert(
      fc.asyncProperty(fc.array(garbage, { minLength: 20, maxLength: 20 }), async (stuff) => {
        const device = new LaunchedDevice();
        writeFileSync(device.configFile, JSON.stringify({ device_dir: "." }));
        const factory = await device.put("factory", GOOD_AGENT);
        const committed = { slot: "a", digest: await device.put("a", "a") } as const;
        const target = { slot: "b", digest: await device.put("b", "b") } as const;
        await device.records.write(putOnTrial({ committed }, target, 3));
        await device.records.write({ committed });
        const site = await openSite(device.configFile, {}, () => undefined);
        const { slot, state } = slotLayout(device.root);
        const files = [...filesIn(slot("a")), ...filesIn(slot("b")), ...filesIn(state)];
        files.push(...["agent", "agent-life", "workload", "work-wanted"].map((name) => join(site.runFolder, name)));
        for (const [index, path] of files.entries()) place(path, stuff[index % stuff.length] ?? "");
        // A file that two slots share is one file, and the factory's is read-only.
        chmodSync(join(slot("factory"), "runtime"), 0o555);
        await readStartNote(nodeDisk, site.runFolder, site.bootId);
        await findWork(site);
        const boot = await chooseBoot(site, undefined, "digests");
        expect(boot?.decision).toMatchObject({ slot: "factory", digest: factory, trial: false });
      }),
      { numRuns: runs },
    );
  }, 600_000);
});
