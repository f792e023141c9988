/**
 * Debian's own arm64 kernel and the few libraries that a runtime is linked with, fetched by apt into a folder of its own:
 * the machine that the test runs on keeps its architecture and its packages.
 */
import { execFile } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** What goes into the virtual box beside the image; the kernel's package is looked up, for its name has a version. */
const LIBRARIES = ["libc6", "libstdc++6", "libgcc-s1", "libatomic1"] as const;
const USERLAND = "busybox-static";
const KERNEL = "linux-image-arm64";

/** A mirror that takes longer is not reached, in milliseconds. */
const FETCH_MS = 600_000;

const run = promisify(execFile);

/** Unpacked packages. */
export interface Packages {
  /** Their files, as they would stand on a box. */
  readonly root: string;
  readonly kernel: string;
}

/** Fetches and unpacks what is not in `cache` yet. Throws where apt cannot. */
export async function fetchPackages(cache: string): Promise<Packages> {
  const root = join(cache, "root");
  const done = join(cache, "done");
  if (!(await names(cache)).includes("done")) {
    const env = { ...process.env, APT_CONFIG: await aptConfig(cache) };
    const apt = async (tool: string, ...args: readonly string[]): Promise<string> =>
      (await run(tool, args, { env, cwd: cache, timeout: FETCH_MS, maxBuffer: 16_777_216 })).stdout;
    await apt("apt-get", "update", "-q");
    const kernel = /Depends: (linux-image-\S+)/.exec(await apt("apt-cache", "depends", KERNEL))?.[1];
    if (kernel === undefined) throw new Error(`apt knows no package ${KERNEL} for arm64`);
    await apt("apt-get", "download", "-q", kernel, USERLAND, ...LIBRARIES);
    for (const name of (await names(cache)).filter((each) => each.endsWith(".deb"))) {
      await run("dpkg-deb", ["--extract", join(cache, name), root]);
    }
    await writeFile(done, "");
  }
  const kernel = (await names(join(root, "boot"))).find((name) => name.startsWith("vmlinuz-"));
  if (kernel === undefined) throw new Error(`there is no kernel in ${root}/boot; remove ${cache}`);
  return { root, kernel: join(root, "boot", kernel) };
}

/** Lists and status of an arm64 machine that has nothing installed. The sources are this machine's. */
async function aptConfig(cache: string): Promise<string> {
  const state = join(cache, "apt");
  await mkdir(join(state, "lists", "partial"), { recursive: true });
  await mkdir(join(state, "archives", "partial"), { recursive: true });
  await writeFile(join(state, "status"), "");
  const file = join(state, "apt.conf");
  const lines = [
    'APT::Architecture "arm64";',
    'APT::Architectures { "arm64"; };',
    'APT::Sandbox::User "root";',
    `Dir::State "${state}";`,
    `Dir::State::status "${join(state, "status")}";`,
    `Dir::Cache "${state}";`,
    'Acquire::Languages "none";',
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  return file;
}

async function names(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  return readdir(folder);
}
