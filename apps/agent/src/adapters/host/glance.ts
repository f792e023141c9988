/** Facts about a Linux host from a few small files: cheap enough for every pulse. Elsewhere most of them are absent. */
import { readFile, statfs } from "node:fs/promises";
import { availableParallelism, uptime } from "node:os";
import type { HostFacts } from "../../situation.ts";

/** Two readings of counters make a rate; kept between glances. */
interface Counters {
  readonly atMs: number;
  readonly cpuBusy: number;
  readonly cpuTotal: number;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** A glance at the host; rates are over the time since the glance before. `folder` is on the disk of the slots. */
export function createGlance(folder: string, nowMs: () => number): () => Promise<HostFacts> {
  let last: Counters | undefined;
  return async () => {
    const [stat, pressure, memory, network, disk] = await Promise.all([
      readIfThere("/proc/stat"),
      readIfThere("/proc/pressure/cpu"),
      readIfThere("/proc/meminfo"),
      readIfThere("/proc/net/dev"),
      statfs(folder).catch(() => undefined),
    ]);
    const now = { atMs: nowMs(), ...cpuCounters(stat), ...networkCounters(network) };
    const rates = last === undefined ? {} : ratesBetween(last, now);
    last = now;
    return {
      cpuCount: availableParallelism(),
      uptimeMs: uptime() * 1000,
      ...rates,
      ...pressureOf(pressure),
      ...memoryOf(memory),
      ...(disk && { diskFreeBytes: disk.bavail * disk.bsize }),
    };
  };
}

function ratesBetween(before: Counters, now: Counters): HostFacts {
  const lastedMs = now.atMs - before.atMs;
  const cpuTotal = now.cpuTotal - before.cpuTotal;
  if (lastedMs <= 0) return {};
  const perSecond = (later: number, earlier: number): number => (Math.max(0, later - earlier) * 1000) / lastedMs;
  return {
    ...(cpuTotal > 0 && { cpuBusyRatio: Math.min(1, Math.max(0, (now.cpuBusy - before.cpuBusy) / cpuTotal)) }),
    networkRxBytesPerS: perSecond(now.rxBytes, before.rxBytes),
    networkTxBytesPerS: perSecond(now.txBytes, before.txBytes),
  };
}

function cpuCounters(stat: string): { readonly cpuBusy: number; readonly cpuTotal: number } {
  const ticks = (/^cpu +([0-9 ]+)$/m.exec(stat)?.[1] ?? "").split(" ").map(Number);
  const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softIrq = 0, stolen = 0] = ticks;
  const cpuBusy = user + nice + system + irq + softIrq + stolen;
  return { cpuBusy, cpuTotal: cpuBusy + idle + waiting };
}

/** Loopback is no real interface. */
function networkCounters(dev: string): { readonly rxBytes: number; readonly txBytes: number } {
  let rxBytes = 0;
  let txBytes = 0;
  for (const line of dev.split("\n")) {
    const [name, counters] = line.split(":");
    if (name === undefined || counters === undefined || name.trim() === "lo") continue;
    const fields = counters.trim().split(/ +/).map(Number);
    rxBytes += fields[0] ?? 0;
    txBytes += fields[8] ?? 0;
  }
  return { rxBytes, txBytes };
}

function pressureOf(pressure: string): HostFacts {
  const percent = /^some avg10=([0-9.]+)/m.exec(pressure)?.[1];
  return percent === undefined ? {} : { cpuPressureRatio: Math.min(1, Number(percent) / 100) };
}

function memoryOf(memory: string): HostFacts {
  const bytes = (key: string): number | undefined => {
    const kibibytes = new RegExp(`^${key}: +([0-9]+) kB$`, "m").exec(memory)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  };
  const total = bytes("MemTotal");
  const available = bytes("MemAvailable");
  return {
    ...(total !== undefined && { memoryTotalBytes: total }),
    ...(available !== undefined && { memoryAvailableBytes: available }),
  };
}

/** A file that this kernel does not have is as good as an empty one. */
async function readIfThere(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
