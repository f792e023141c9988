/** The first root of the virtual box: loads the drivers it needs, mounts the disk and goes over to it. */
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { type CpioEntry, writeCpio } from "./cpio.ts";

/** Disk, its file system with its checksum, network. */
const DRIVERS = ["virtio_mmio", "virtio_blk", "crc32c_generic", "ext4", "virtio_net"] as const;

const FOLDER = 0o40755;
const PROGRAM = 0o100755;
const FILE = 0o100644;

/** The initramfs, made of the unpacked packages in `root`. */
export function makeInitramfs(root: string): Uint8Array {
  const modules = loadOrder(findModules(root));
  const loads = modules.map(([name]) => `$B insmod /modules/${name}.ko`).join("\n");
  const init = `#!/bin/busybox sh
B=/bin/busybox
$B mount -t devtmpfs none /dev
${loads}
$B mount -t ext4 /dev/vda /disk || exec $B poweroff -f
exec $B switch_root /disk /sbin/init
`;
  const folders = ["bin", "dev", "disk", "modules"].map((path): CpioEntry => ({ path, mode: FOLDER }));
  const entries: readonly CpioEntry[] = [
    ...folders,
    { path: "bin/busybox", mode: PROGRAM, bytes: readFileSync(join(root, "bin/busybox")) },
    ...modules.map(([name, file]): CpioEntry => ({
      path: `modules/${name}.ko`,
      mode: FILE,
      bytes: readFileSync(file),
    })),
    { path: "init", mode: PROGRAM, bytes: Buffer.from(init) },
  ];
  return gzipSync(writeCpio(entries));
}

/** Each module's file, by the name the kernel knows it by. */
function findModules(root: string): ReadonlyMap<string, string> {
  const folder = join(root, "lib/modules");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ko"));
  return new Map(files.map((file) => [basename(file, ".ko").replaceAll("-", "_"), join(folder, file)]));
}

/** The drivers and what they need, in the order to load them; what is built into the kernel has no file. */
function loadOrder(modules: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  const order = new Map<string, string>();
  const need = (name: string): void => {
    const file = modules.get(name);
    if (file === undefined || order.has(name)) return;
    const info = /depends=([^\0]*)\0/.exec(readFileSync(file, "latin1"))?.[1] ?? "";
    for (const each of info.split(",").filter(Boolean)) need(each.replaceAll("-", "_"));
    order.set(name, file);
  };
  for (const driver of DRIVERS) need(driver);
  return [...order];
}
