/** `pnpm test:arm64`: the built image on a virtual ARM64 box whose power is cut. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setUpBench } from "./bench.ts";
import { makeInitramfs } from "./initramfs.ts";
import { QEMU, startMachine } from "./machine.ts";
import { serveDisk } from "./nbd.ts";
import { HELP, readOptions } from "./options.ts";
import { fetchPackages } from "./packages.ts";
import { rollsFrom } from "./random.ts";
import { makeDisk } from "./root-disk.ts";
import { live } from "./story.ts";
import { VolatileDisk } from "./volatile-disk.ts";

/** Fetched once: Debian's packages, the runtime. */
const CACHE = join(import.meta.dirname, "../../node_modules/.cache/moult-arm64");
const EXIT_USAGE = 2;

function missing(): string | undefined {
  const has = (tool: string): boolean => spawnSync("sh", ["-c", `command -v ${tool}`]).status === 0;
  if (!has(QEMU)) return `${QEMU} is missing (Debian: qemu-system-arm)`;
  if (!has("mkfs.ext4")) return "mkfs.ext4 is missing (Debian: e2fsprogs)";
  if (!has("dpkg-deb") || !has("apt-get")) return "Debian's arm64 kernel is fetched by apt and dpkg, which are missing";
  if (process.getuid?.() !== 0) return "the box's disk is made by root";
  return undefined;
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === "HELP") {
    process.stdout.write(HELP);
    return 0;
  }
  const why = missing();
  if (why !== undefined) {
    process.stdout.write(options.json ? `${JSON.stringify({ skipped: why })}\n` : `test:arm64 skipped: ${why}\n`);
    return 0;
  }
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  tell(`seed ${options.seed}`);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)));

  const folder = mkdtempSync(join(tmpdir(), "moult-arm64-"));
  let close: (() => void) | undefined;
  try {
    mkdirSync(CACHE, { recursive: true });
    const packages = await fetchPackages(join(CACHE, "debian"));
    const bench = await setUpBench(folder, CACHE, stop.signal);
    close = bench.close;
    const [file, tree] = [join(folder, "disk"), join(folder, "tree")];
    await makeDisk(file, tree, { packages: packages.root, archive: bench.archive, config: bench.config });
    const initramfs = join(folder, "initramfs");
    writeFileSync(initramfs, makeInitramfs(packages.root));
    const disk = await VolatileDisk.open(file);
    const diskSocket = join(folder, "disk.sock");
    const served = await serveDisk(disk, diskSocket);
    const roll = rollsFrom(options.seed);
    const machine = { kernel: packages.kernel, initramfs, diskSocket, log: join(folder, "console.log") };
    const story = await live({
      bench,
      switchOn: () => startMachine(machine),
      async cut() {
        await served.idle();
        return disk.cut(roll);
      },
      roll,
      kills: options.kills,
      untilMs: Date.now() + options.minutesMax * 60_000,
      tell,
      signal: stop.signal,
    });
    served.close();
    await disk.close();
    const facts = { ...story, seed: options.seed };
    const lines = Object.entries(facts).map(([key, value]) => `${key} ${value}\n`);
    process.stdout.write(options.json ? `${JSON.stringify(facts)}\n` : lines.join(""));
    return story.workingAgents === story.boots ? 0 : 1;
  } finally {
    close?.();
    if (options.keep) tell(`kept ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`test:arm64: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(error instanceof TypeError ? EXIT_USAGE : 1);
  },
);
