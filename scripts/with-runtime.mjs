/**
 * Runs a TypeScript file, or a tool by its name, on the pinned runtime, from any Node.js that npm comes with: installs what
 * is missing first, so that `npm run demo` and `npm test` work in a bare clone. Plain JavaScript, because the Node.js that runs it may be old.
 */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PNPM = "pnpm@12.21.0";
const BIN = join(ROOT, "node_modules", ".bin");
const STAMP = join(ROOT, "node_modules", ".moult-installed");

/** What is installed is current when the lock file is the one it was installed from. */
function isCurrent(lock) {
  return existsSync(STAMP) && existsSync(join(BIN, "node")) && readFileSync(STAMP, "utf8") === lock;
}

function install() {
  const lock = createHash("sha256")
    .update(readFileSync(join(ROOT, "pnpm-lock.yaml")))
    .digest("hex");
  if (isCurrent(lock)) return;
  process.stderr.write("Installing what Moult needs (once; about half a minute)…\n");
  try {
    // Standard output is kept for what the command itself has to say.
    execFileSync("npx", ["-y", PNPM, "install", "--frozen-lockfile", "--reporter=append-only"], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    });
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ""}\nInstalling failed; is the npm registry reachable?\n`);
    process.exit(1);
  }
  writeFileSync(STAMP, lock);
}

const [script, ...args] = process.argv.slice(2);
install();
const [command, first] = script.endsWith(".ts") ? ["node", [join(ROOT, script)]] : [script, []];
const child = spawn(join(BIN, command), [...first, ...args], {
  stdio: "inherit",
  env: { TURBO_TELEMETRY_DISABLED: "1", ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}` },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
