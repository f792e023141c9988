/** The virtual box's disk: the smallest Linux that runs the image, the image itself, and a batch's configuration. */
import { execFile } from "node:child_process";
import { chmod, cp, copyFile, mkdir, readdir, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Room for the image, the copies of its parts, and two more agents, in bytes. */
const DISK_BYTES = 1_073_741_824;

const LIBRARIES = "lib/aarch64-linux-gnu";
const LOADER = "ld-linux-aarch64.so.1";

/** The box's init: network as qemu's user mode has it, the first boot, the launcher again and again, as their unit would. */
const INIT = `#!/bin/sh
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mount -t tmpfs none /tmp
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
NODE=/usr/lib/moult/node
CONFIG=/etc/moult/device.yaml
$NODE /usr/lib/moult/first-boot.mjs --config $CONFIG --factory /usr/lib/moult/factory --template /usr/share/moult/device.yaml --owner moult
while true; do
  su moult -c "exec $NODE /usr/lib/moult/launcher.mjs --config $CONFIG"
  sleep 1
done
`;

/** Makes the disk at `file`. `folder` is for the tree it is made of; `packages` are Debian's, unpacked. */
export async function makeDisk(
  file: string,
  folder: string,
  from: { readonly packages: string; readonly archive: string; readonly config: string },
): Promise<void> {
  for (const name of ["bin", "sbin", "lib", "etc", "dev", "proc", "sys", "tmp", "root", "var/lib"]) {
    await mkdir(join(folder, name), { recursive: true });
  }
  await copyFile(join(from.packages, "bin/busybox"), join(folder, "bin/busybox"));
  for (const name of ["sh", "mount", "ip", "su", "sleep", "sync"]) await symlink("busybox", join(folder, "bin", name));
  for (const libraries of [LIBRARIES, join("usr", LIBRARIES)]) {
    for (const name of (await readdir(join(from.packages, libraries))).filter((each) => each.includes(".so"))) {
      await cp(join(from.packages, libraries, name), join(folder, LIBRARIES, name), { verbatimSymlinks: true });
    }
  }
  await symlink(`aarch64-linux-gnu/${LOADER}`, join(folder, "lib", LOADER));
  await writeFile(join(folder, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nmoult:x:900:900::/var/lib/moult:/bin/sh\n");
  await writeFile(join(folder, "etc/group"), "root:x:0:\nmoult:x:900:\n");
  // So qemu's user mode network calls the machine it runs on, which is also where the coordinator says it is.
  await writeFile(join(folder, "etc/hosts"), "10.0.2.2 localhost\n");
  await writeFile(join(folder, "sbin/init"), INIT);
  await chmod(join(folder, "sbin/init"), 0o755);
  await run("tar", ["-xzf", from.archive, "-C", folder]);
  await copyFile(from.config, join(folder, "etc/moult/device.yaml"));
  await writeFile(file, "");
  await truncate(file, DISK_BYTES);
  await run("mkfs.ext4", ["-q", "-F", "-E", "root_owner=0:0", "-d", folder, file]);
}
