/**
 * The agent's side of an init system that watches it (systemd's Type=notify): READY once it looks after its device, and
 * a ping every half of the watchdog's time. Node has no Unix datagrams, so each word is a run of `systemd-notify`.
 */
import { execFile } from "node:child_process";
import type { Launcher, Log } from "../ports.ts";
import { LAUNCHER_FD_VARIABLE } from "./launcher-link.ts";
import type { LifeWriter } from "./agent-life.ts";

/** `systemd-notify` stands in one of these, whatever PATH says. */
const PATH = "/usr/bin:/bin:/usr/local/bin";

/** A ping that takes longer is given up, in milliseconds; the next one follows. */
const PING_MS_MAX = 5_000;

/** What the init system said in the environment. */
export interface InitWishes {
  /** Undefined where no pings are wanted. */
  readonly pingEveryMs: number | undefined;
  /** Where it listens: its own variables, and no others. */
  readonly env: Readonly<Record<string, string>>;
}

/** What an init system wants to hear; undefined where there is none that listens. */
export function initWishes(env: Readonly<Record<string, string | undefined>>): InitWishes | undefined {
  const socket = env["NOTIFY_SOCKET"] ?? "";
  // A launcher that stays is the one to tell, also where an init system listens to that.
  if (socket === "" || env[LAUNCHER_FD_VARIABLE] !== undefined) return undefined;
  const watchdogUs = Number(env["WATCHDOG_USEC"]);
  return {
    pingEveryMs: Number.isFinite(watchdogUs) && watchdogUs > 0 ? watchdogUs / 2_000 : undefined,
    env: { NOTIFY_SOCKET: socket },
  };
}

/** The init system as the agent's launcher. What it cannot hear is written down in `life`. */
export function linkInit(wishes: InitWishes, life: LifeWriter, nowMs: () => number, log: Log): Launcher {
  const options = { env: { ...wishes.env, PATH }, timeout: PING_MS_MAX, killSignal: "SIGKILL" } as const;
  let pingAtMs = Number.POSITIVE_INFINITY;
  let busy = false;
  const say = (word: string): void => {
    busy = true;
    execFile("systemd-notify", [word], options, (error) => {
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
