/**
 * The agent's side of an init system that watches it (systemd's Type=notify): READY once it looks after its device, and
 * a ping every half of the watchdog's time. Node has no Unix datagrams, so each word is a run of `systemd-notify`.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import type { Launcher, Log } from "../ports.ts";
import type { LifeWriter } from "./agent-life.ts";

/** Where it stands, for PATH may be anything. */
const PROGRAMS = ["/usr/bin/systemd-notify", "/bin/systemd-notify"] as const;

/** A ping that takes longer is given up, in milliseconds; the next one follows. */
const PING_MS_MAX = 5_000;

/** What the init system said in the environment. */
export interface InitWishes {
  /** Undefined where no pings are wanted. */
  readonly pingEveryMs: number | undefined;
}

/** What an init system wants to hear; undefined where there is none that listens. */
export function initWishes(env: Readonly<Record<string, string | undefined>>): InitWishes | undefined {
  if ((env["NOTIFY_SOCKET"] ?? "") === "") return undefined;
  const watchdogUs = Number(env["WATCHDOG_USEC"]);
  return { pingEveryMs: Number.isFinite(watchdogUs) && watchdogUs > 0 ? watchdogUs / 2_000 : undefined };
}

/** The init system as the agent's launcher. What it cannot hear is written down in `life`. */
export function linkInit(wishes: InitWishes, life: LifeWriter, nowMs: () => number, log: Log): Launcher {
  const program = PROGRAMS.find((path) => existsSync(path)) ?? "systemd-notify";
  let pingAtMs = Number.POSITIVE_INFINITY;
  let busy = false;
  const say = (word: string): void => {
    busy = true;
    execFile(program, [word], { timeout: PING_MS_MAX, killSignal: "SIGKILL" }, (error) => {
      busy = false;
      if (error !== null) log.error({ err: error }, `the init system was not told ${word}`);
    });
  };
  return {
    tellUp() {
      life.tell({ wasUp: true });
      say("READY=1");
      if (wishes.pingEveryMs !== undefined) pingAtMs = nowMs() + wishes.pingEveryMs;
    },
    tellAlive() {
      if (busy || nowMs() < pingAtMs || wishes.pingEveryMs === undefined) return;
      pingAtMs = nowMs() + wishes.pingEveryMs;
      say("WATCHDOG=1");
    },
    tellKept: () => life.tell({ kept: true }),
  };
}
