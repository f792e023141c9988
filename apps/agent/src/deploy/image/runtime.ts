/**
 * Fetches the runtime of another platform than this machine's: the pinned Node.js, as its npm package, held against the
 * integrity that the lock file has for it.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { integrityOf } from "../components.ts";
import { ImageError } from "./image-error.ts";

const ROOT = join(import.meta.dirname, "../../../../..");

/** It has some 60 MB; a registry that takes longer is not reached, in milliseconds. */
const FETCH_MS = 300_000;

const run = promisify(execFile);

/** Writes the runtime of `platform`, as in `linux-arm64`, to `file`. Throws ImageError RUNTIME_WRONG. */
export async function fetchRuntime(platform: string, file: string): Promise<void> {
  const name = `node-${platform}`;
  const version = await pinnedVersion(name);
  const wanted = integrityOf(name, version);
  const folder = await mkdtemp(join(tmpdir(), "moult-runtime-"));
  try {
    const packed = await run("npm", ["pack", "--silent", "--pack-destination", folder, `${name}@${version}`], {
      cwd: folder,
      timeout: FETCH_MS,
    });
    const tarball = join(folder, packed.stdout.trim());
    const found = `sha512-${createHash("sha512")
      .update(await readFile(tarball))
      .digest("base64")}`;
    if (found !== wanted) throw new ImageError("RUNTIME_WRONG", `${name}@${version} is not what the lock file names.`);
    await run("tar", ["-xzf", tarball, "-C", folder, "package/bin/node"], { timeout: FETCH_MS });
    await mkdir(dirname(file), { recursive: true });
    await copyFile(join(folder, "package/bin/node"), file);
    await chmod(file, 0o755);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pinnedVersion(name: string): Promise<string> {
  const { optionalDependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };
  const version = optionalDependencies[name];
  if (version !== undefined) return version;
  throw new ImageError("PLATFORM_WRONG", `No runtime is pinned for ${name.replace("node-", "")}.`);
}
