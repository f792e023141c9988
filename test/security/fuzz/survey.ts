/** Finds every exported function that is named like a reader, in the folders of what runs. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");
const FOLDERS = [
  ...["trust", "slots", "delta", "contracts"].map((name) => `packages/${name}/src`),
  ...["agent", "coordinator", "cli"].map((name) => `apps/${name}/src`),
];
/** Tests, and what a vendor or a developer runs at home. */
const ASIDE = /\.test\.ts$|(^|\/)(testing|deploy)\/|\/fixtures\.ts$/;
const READER = /^export (?:async )?function ((?:parse|read|decode|unpack|from)[A-Z]\w*|unseal)\b/gm;

/** As `packages/trust/src/keys.ts#parsePublicKey`. */
export function readersInSources(): readonly string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !ASIDE.test(name))
      .flatMap((name) => {
        const text = readFileSync(join(ROOT, folder, name), "utf8");
        return [...text.matchAll(READER)].map(([, reader]) => `${folder}/${name}#${reader}`);
      }),
  ).toSorted();
}
