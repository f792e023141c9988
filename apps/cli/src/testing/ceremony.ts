/** Everything a ceremony needs in one folder: key files with public halves, and builds. Keys are made anew each time. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, formatPublicKey, generateKey, writeKeyFile } from "@moult/trust";
import { buildRelease } from "../build/build-release.ts";
import { type TestRun, type TestWorld, runMoult } from "./test-ports.ts";

/** A folder in which people hold a ceremony. */
export class CeremonyTable {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  read(name: string): Uint8Array {
    return new Uint8Array(readFileSync(this.path(name)));
  }

  /** Makes `NAME.key` and `NAME.json`; answers the public key. */
  key(name: string): string {
    const { privateKey, publicKey } = generateKey();
    writeFileSync(this.path(`${name}.key`), writeKeyFile(privateKey), { mode: 0o600 });
    writeFileSync(this.path(`${name}.json`), JSON.stringify({ publicKey: formatPublicKey(publicKey) }));
    return formatPublicKey(publicKey);
  }

  /** Runs `moult`; words that begin with `./` are files of this folder. */
  moult(words: readonly string[], world: TestWorld = {}): Promise<TestRun> {
    const local = words.map((word) => word.replace(/(^|=)\.\//, (_, before: string) => `${before}${this.dir}/`));
    return runMoult(local, world);
  }

  /** The same, which must go well; answers what `-o json` says. */
  async done(words: readonly string[], world: TestWorld = {}): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await this.moult([...words, "-o", "json"], world);
    if (code !== 0) throw new Error(`moult ${words.join(" ")} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** Root 2 of 3 (a, b, c), council 2 of 3 (d, e, f), publisher, breaker; `root.json`, signed by a and b. */
  async network(): Promise<void> {
    for (const name of ["a", "b", "c", "d", "e", "f", "publisher", "breaker"]) this.key(name);
    const roles = { root: ["a", "b", "c"], council: ["d", "e", "f"], publisher: ["publisher"], breaker: ["breaker"] };
    const adds = Object.entries(roles).flatMap(([role, names]) =>
      names.flatMap((n) => ["--add", `${role}=./${n}.json`]),
    );
    const quorums = ["--quorum", "root=2", "--quorum", "council=2"];
    await this.done(["root", "init", "--network", "demo", ...adds, ...quorums, "--out", "./root.json"]);
    for (const name of ["a", "b"]) await this.done(["root", "sign", "./root.json", "--key", `./${name}.key`, "--yes"]);
  }

  /** A build in `NAME`; answers its digest. */
  async build(name: string, version: string, counter: number): Promise<string> {
    for (const file of ["node", "agent.mjs"]) writeFileSync(this.path(`${name}-${file}`), `${file} of ${version}`);
    const { digest } = await buildRelease(
      {
        network: "demo",
        version,
        releaseCounter: counter,
        platform: { os: "linux", arch: "x64" },
        fromVersions: [],
        runtime: "runtime/node",
        agent: "agent/agent.mjs",
        workload: { kind: "none", health_timeout_ms: 1000, soak_ms: 0 },
        parts: [
          { path: "runtime/node", file: this.path(`${name}-node`), executable: true },
          { path: "agent/agent.mjs", file: this.path(`${name}-agent.mjs`), executable: false },
        ],
      },
      { out: this.path(name) },
    );
    if (digest !== digestOf(this.read(`${name}/manifest.json`))) throw new Error("not the manifest's digest");
    return digest;
  }

  /** Signs a list in place. */
  async vote(file: string, ...members: readonly string[]): Promise<void> {
    for (const member of members) await this.done(["release", "sign", file, "--key", `./${member}.key`, "--yes"]);
  }
}
