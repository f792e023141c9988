/**
 * Checks that the contract breaks nothing that was released: `buf breaking` against the newest release tag. Before the
 * first release there is nothing to break, and it says so.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

const git = (...args: readonly string[]): string =>
  execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

/** The newest release tag; undefined before the first. SKIPPED where there is no history to look into. */
function newestTag(): { readonly tag: string | undefined } | "SKIPPED" {
  try {
    if (git("rev-parse", "--is-shallow-repository") === "true") return "SKIPPED";
    return { tag: git("tag", "--list", "v*", "--sort=-version:refname").split("\n").find(Boolean) };
  } catch (error) {
    const gone = (error as NodeJS.ErrnoException).code === "ENOENT" || (error as { status?: number }).status === 128;
    if (gone) return "SKIPPED";
    throw error;
  }
}

const newest = newestTag();
if (newest === "SKIPPED") {
  process.stdout.write("contract: skipped, no git history to compare with\n");
} else if (newest.tag === undefined) {
  process.stdout.write("contract: nothing has been released yet\n");
} else {
  execFileSync("buf", ["breaking", "proto", "--against", `.git#tag=${newest.tag},subdir=proto`], {
    cwd: ROOT,
    stdio: "inherit",
  });
  process.stdout.write(`contract: nothing of ${newest.tag} is broken\n`);
}
