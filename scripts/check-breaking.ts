/**
 * Checks that the contract breaks nothing that was released: `buf breaking` against the newest release tag. Before the
 * first release there is nothing to break, and it says so.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

const tags = execFileSync("git", ["tag", "--list", "v*", "--sort=-version:refname"], { cwd: ROOT, encoding: "utf8" });
const [newest] = tags.split("\n").filter(Boolean);
if (newest === undefined) {
  process.stdout.write("contract: nothing has been released yet\n");
} else {
  execFileSync("buf", ["breaking", "proto", "--against", `.git#tag=${newest},subdir=proto`], {
    cwd: ROOT,
    stdio: "inherit",
  });
  process.stdout.write(`contract: nothing of ${newest} is broken\n`);
}
