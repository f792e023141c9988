/**
 * Each defence of the verification is taken out once, in a copy of its sources, and the lie it is there for must then go
 * unfound. So every check is one that can fail, and none of them is there for nothing.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { openLog } from "../../apps/cli/src/audit/log-source.ts";
import type { verifyLog } from "../../apps/cli/src/audit/verify-log.ts";
import type { openCheckpoint, parseVkey } from "@moult/trust/audit";
import { LIES } from "./lies.ts";
import { type CapturedLog, captureLog, serveResources } from "./served-log.ts";

const ROOT = join(import.meta.dirname, "../..");
const TRUST = "packages/trust/src/audit";
const CLI = "apps/cli/src/audit";

/** A defence: the line that is taken out, what stands there instead, and the lie that then goes through. */
const MUTANTS: readonly (readonly [lie: RegExp, file: string, line: string, instead: string])[] = [
  [/signed by another key/, `${TRUST}/note.ts`, "!verifyStrict(signature, bytes, key.publicKey)", "false"],
  [/leaves in each other's place, and/, `${TRUST}/auditor.ts`, "!sameHash(pin.root, this.#edge.root())", "false"],
  [/missing from the start/, `${TRUST}/auditor.ts`, "leaf.seq !== seq", "false"],
  [/two leaves of one pool/, `${TRUST}/auditor.ts`, "leaf.seq !== seq", "false"],
  [/another network/, `${TRUST}/auditor.ts`, "leaf.network !== this.#network", "false"],
  [/read in two ways/, `${TRUST}/leaf.ts`, "!isCanonical(document.value, document.text)", "false"],
  [/a body beside/, `${CLI}/verify-log.ts`, "body.length === lengthBytes && digestOf(body) === digest", "true"],
  [/tile above/, `${TRUST}/auditor.ts`, "sameHash(expected.hashes, served)", "true"],
  [/words after/, `${TRUST}/tile.ts`, "at !== bytes.length", "false"],
  [/forgotten/, `${TRUST}/auditor.ts`, "larger === undefined", "true"],
  [/reworded/, `${CLI}/verify-log.ts`, "...(more.saved ?? [])", ""],
  [/two pools .* signed/, `${CLI}/verify-log.ts`, "...(more.saved ?? [])", ""],
];

interface Verifier {
  readonly openLog: typeof openLog;
  readonly verifyLog: typeof verifyLog;
  readonly openCheckpoint: typeof openCheckpoint;
  readonly parseVkey: typeof parseVkey;
}

let log: CapturedLog;
let served: ReadonlyMap<string, Uint8Array>;
let server: Awaited<ReturnType<typeof serveResources>>;
let folder: string;
beforeAll(async () => {
  log = await captureLog(600);
  server = await serveResources(() => served);
  folder = mkdtempSync(join(realpathSync(tmpdir()), "moult-mutants-"));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A copy of the verification, with one line changed where one is given. */
async function copyOf(
  name: string,
  mutation?: { readonly file: string; readonly line: string; readonly instead: string },
): Promise<Verifier> {
  const root = join(folder, name);
  cpSync(join(ROOT, "packages/trust/src"), join(root, "packages/trust/src"), { recursive: true });
  cpSync(join(ROOT, "packages/trust/package.json"), join(root, "packages/trust/package.json"));
  cpSync(join(ROOT, "apps/cli/src"), join(root, "apps/cli/src"), { recursive: true });
  writeFileSync(join(root, "apps/cli/package.json"), '{"type":"module"}');
  symlinkSync(realpathSync(join(ROOT, "packages/trust/node_modules")), join(root, "packages/trust/node_modules"));
  mkdirSync(join(root, "apps/cli/node_modules/@moult"), { recursive: true });
  symlinkSync(join(root, "packages/trust"), join(root, "apps/cli/node_modules/@moult/trust"));
  symlinkSync(
    realpathSync(join(ROOT, "apps/cli/node_modules/commander")),
    join(root, "apps/cli/node_modules/commander"),
  );
  if (mutation !== undefined) {
    const path = join(root, mutation.file);
    const source = readFileSync(path, "utf8");
    expect(source.split(mutation.line), `${mutation.line} stands in ${mutation.file} once`).toHaveLength(2);
    writeFileSync(path, source.replace(mutation.line, mutation.instead));
  }
  const [source, verify, audit] = await Promise.all(
    [`${CLI}/log-source.ts`, `${CLI}/verify-log.ts`, `${TRUST}/index.ts`].map(
      (file) => import(join(root, file)) as Promise<object>,
    ),
  );
  return { ...source, ...verify, ...audit } as Verifier;
}

/** Whether the lie is taken for the truth. */
async function isFooled(verifier: Verifier, withHistory: boolean): Promise<boolean> {
  const key = verifier.parseVkey(log.vkey, "note");
  const settings = { url: server.url, caPem: undefined, key, witnesses: [], quorum: 0 };
  const saved = withHistory ? [verifier.openCheckpoint(log.resources.get("checkpoint") ?? Buffer.of(), key)] : [];
  const source = verifier.openLog(settings);
  try {
    await verifier.verifyLog(source, settings, { saved });
    return true;
  } catch (error) {
    expect((error as Error).name).toMatch(/^(AuditError|CliError)$/);
    return false;
  } finally {
    source.close();
  }
}

test("the copy as it is finds every lie", async () => {
  const verifier = await copyOf("whole");
  for (const { name, needsHistory, tell } of LIES) {
    served = tell(log, (below) => 5 % below);
    expect([name, await isFooled(verifier, needsHistory)]).toEqual([name, false]);
  }
});

test.each(MUTANTS.map((mutant, n) => [n, ...mutant] as const))(
  "without its defence, lie %i (%s) is believed",
  async (n, lieName, file, line, instead) => {
    const lie = LIES.find(({ name }) => lieName.test(name));
    if (lie === undefined) throw new Error(`no lie ${lieName.source}`);
    const verifier = await copyOf(String(n), { file, line, instead });
    served = lie.tell(log, (below) => 5 % below);
    expect(await isFooled(verifier, lie.needsHistory)).toBe(true);
  },
);
