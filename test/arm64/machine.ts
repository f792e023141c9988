/** A virtual ARM64 box: qemu without a screen, switched on by starting it and off by SIGKILL. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";

/** What the box is made of. */
export interface MachinePlan {
  readonly kernel: string;
  readonly initramfs: string;
  /** The socket its disk is served at. */
  readonly diskSocket: string;
  /** Where its console goes to; added to. */
  readonly log: string;
}

/** The program, as Debian's qemu-system-arm has it. */
export const QEMU = "qemu-system-aarch64";

/** A box that is on. */
export interface Machine {
  /** Cuts its power; resolves once it is off. */
  readonly kill: () => Promise<void>;
  /** Whether it still runs. */
  readonly isOn: () => boolean;
}

/** Switches the box on. */
export function startMachine({ kernel, initramfs, diskSocket, log }: MachinePlan): Machine {
  const args = [
    ["-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "1024", "-display", "none", "-serial", "stdio"],
    ["-no-reboot", "-kernel", kernel, "-initrd", initramfs],
    ["-append", "console=ttyAMA0 quiet loglevel=3 panic=-1"],
    // With this cache mode the guest sees a disk with a write cache, and each of its flushes reaches the server.
    ["-drive", `if=none,id=disk,format=raw,cache=writeback,file=nbd+unix:///?socket=${diskSocket}`],
    ["-device", "virtio-blk-device,drive=disk"],
    ["-netdev", "user,id=net", "-device", "virtio-net-device,netdev=net"],
  ].flat();
  const child: ChildProcess = spawn(QEMU, args, { stdio: ["ignore", "pipe", "pipe"] });
  const console = createWriteStream(log, { flags: "a" });
  child.stdout?.pipe(console, { end: false });
  child.stderr?.pipe(console, { end: false });
  let on = true;
  const off = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      on = false;
      resolve();
    });
  });
  return {
    isOn: () => on,
    async kill() {
      child.kill("SIGKILL");
      await off;
      console.end();
      await finished(console);
    },
  };
}
