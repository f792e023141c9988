/**
 * Keeps the agent and the launcher of a release in `test/released`, so that every later build is tested by the agents
 * that are in the field. Each is built from its own commit, in a checkout of its own with the packages of its own
 * lockfile, and comes out the same byte for byte wherever it is built.
 */
import { type ExecFileSyncOptions, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import {
  type Release,
  type ReleasedBundles,
  readBundles,
  readReleases,
  sha256,
  writeBundles,
  writeReleases,
} from "../apps/agent/src/testing/released.ts";

const ROOT = join(import.meta.dirname, "..");
const RELEASED = join(ROOT, "test", "released");

const HELP = `Keeps the agent of a release for the tests of later ones.

Usage:
  node scripts/add-released-agent.ts --version VERSION [--commit REF]
  node scripts/add-released-agent.ts --check [-o json]

Options:
  --version VERSION  the release's version, as in 0.2.0
  --commit REF       what it is built from; without it, the tag v{VERSION}
  --check            build every release again and compare the digests; writes nothing
  -o, --output FORM  text (default) or json
  --help             print this, and exit

Exit codes: 0 done, 1 a release does not come out as it was released, or building failed, 2 the command line is wrong.

Example:
  node scripts/add-released-agent.ts --version 0.2.0
`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

function git(...args: readonly string[]): string {
  return execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
}

/** Builds both bundles from a commit. */
function build(version: string, commit: string): ReleasedBundles {
  const folder = mkdtempSync(join(tmpdir(), "moult-released-"));
  const checkout = join(folder, "checkout");
  git("worktree", "add", "--detach", checkout, commit);
  try {
    const tools = join(ROOT, "node_modules", ".bin");
    const env = { ...process.env, PATH: `${tools}${delimiter}${process.env["PATH"] ?? ""}` };
    const options: ExecFileSyncOptions = { cwd: checkout, env, stdio: ["ignore", "ignore", "inherit"] };
    execFileSync(join(tools, "pnpm"), ["install", "--frozen-lockfile", "--prefer-offline"], options);
    const out = join(folder, "out");
    const main = join(checkout, "apps", "agent", "src", "deploy", "main.ts");
    // On that checkout's own runtime: it is pinned there like everything else.
    execFileSync(
      join(checkout, "node_modules", ".bin", "node"),
      [main, "bundle", "--version", version, "--out", out],
      options,
    );
    return { launcher: readFileSync(join(out, "launcher.mjs")), agent: readFileSync(join(out, "agent.mjs")) };
  } finally {
    git("worktree", "remove", "--force", checkout);
    rmSync(folder, { recursive: true, force: true });
  }
}

function add(version: string, ref: string): Release {
  const commit = git("rev-parse", "--verify", `${ref}^{commit}`);
  const bundles = build(version, commit);
  const others = readReleases(RELEASED).filter((release) => release.version !== version);
  const digests = { launcher: sha256(bundles.launcher), agent: sha256(bundles.agent) };
  const release: Release = { version, commit, ...digests, oldest: others.length === 0 };
  writeBundles(RELEASED, version, bundles);
  writeReleases(RELEASED, [...others, release]);
  return release;
}

/** Versions of releases that do not come out as they were. */
function check(): readonly string[] {
  return readReleases(RELEASED)
    .filter((release) => {
      readBundles(RELEASED, release);
      const { launcher, agent } = build(release.version, release.commit);
      return sha256(launcher) !== release.launcher || sha256(agent) !== release.agent;
    })
    .map(({ version }) => version);
}

function main(): void {
  const { values } = parseArgs({
    options: {
      version: { type: "string" },
      commit: { type: "string" },
      check: { type: "boolean" },
      output: { type: "string", short: "o", default: "text" },
      help: { type: "boolean", short: "h" },
    },
  });
  const say = (facts: object, text: string): void => {
    process.stdout.write(values.output === "json" ? `${JSON.stringify(facts)}\n` : `${text}\n`);
  };
  if (values.help === true) {
    process.stdout.write(HELP);
  } else if (values.check === true) {
    const different = check();
    if (different.length > 0) process.exitCode = EXIT_FAILED;
    const text =
      different.length === 0 ? "every release comes out as it was" : `different now: ${different.join(", ")}`;
    say({ releases: readReleases(RELEASED).length, different }, text);
  } else if (values.version !== undefined) {
    const release = add(values.version, values.commit ?? `v${values.version}`);
    say(release, `${release.version} from ${release.commit}: agent ${release.agent}, launcher ${release.launcher}`);
  } else {
    process.stderr.write("say --version or --check; see --help\n");
    process.exitCode = EXIT_USAGE;
  }
}

try {
  main();
} catch (error) {
  process.stderr.write(`add-released-agent: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = EXIT_FAILED;
}
