/**
 * One agent from its start to its end. The launcher hears three words from it over a pipe, `up`, `alive` and `kept`, and
 * says one, `stop`. An agent that keeps silent for too long is killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { LAUNCHER_FD_VARIABLE } from "../adapters/launcher-link.ts";
import { OVERDUE_FACTOR } from "../overdue.ts";
import type { AgentEnd } from "./after-end.ts";
import type { Command } from "./agent-command.ts";
import type { LauncherSettings } from "./settings.ts";

/** The pipe's number in the agent: behind standard input, output and error. */
const PIPE_FD = 3;

/** Commands are far shorter, in characters; a peer that sends no line ends is not listened to. */
const LINE_LENGTH_MAX = 256;

/** A running agent. */
export interface RunningAgent {
  readonly pid: number | undefined;
  readonly ended: Promise<AgentEnd>;
  /** Asks it to end, and after `graceMs` makes it. */
  readonly stop: (graceMs: number) => void;
}

/** Starts an agent; `trial` says that it has to prove itself. */
export function startAgent(command: Command, trial: boolean, settings: LauncherSettings): RunningAgent {
  const child = spawn(command.program, command.args, {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    env: { ...command.env, [LAUNCHER_FD_VARIABLE]: String(PIPE_FD) },
  });
  const pipe = child.stdio[PIPE_FD] as Duplex | null;
  // An agent that ends takes the pipe with it; its exit is what counts.
  pipe?.on("error", () => {});
  return {
    pid: child.pid,
    ended: watch(child, pipe, trial, settings),
    stop(graceMs) {
      pipe?.write("stop\n");
      setTimeout(() => child.kill("SIGKILL"), graceMs).unref();
    },
  };
}

function watch(
  child: ChildProcess,
  pipe: Duplex | null,
  trial: boolean,
  settings: LauncherSettings,
): Promise<AgentEnd> {
  const startedMs = performance.now();
  let wasUp = false;
  let kept = false;
  let overdue = false;
  let killed: string | undefined;
  const kill = (why: string): void => {
    killed ??= why;
    child.kill("SIGKILL");
  };
  let silence = setTimeout(() => kill("it did not come up in time"), settings.upTimeoutMs);
  const trialEnd = trial
    ? setTimeout(() => {
        if (kept) return;
        overdue = true;
        kill("its time was over");
      }, settings.trialTimeoutMs * OVERDUE_FACTOR)
    : undefined;
  let line = "";
  pipe?.on("data", (data: Buffer) => {
    const lines = (line + data.toString("latin1")).split("\n");
    line = (lines.pop() ?? "").slice(0, LINE_LENGTH_MAX);
    for (const word of lines) {
      if (word === "up") wasUp = true;
      if (word === "kept") kept = true;
    }
    if (!wasUp) return;
    clearTimeout(silence);
    silence = setTimeout(() => kill("it stopped answering"), settings.heartbeatTimeoutMs);
  });
  return new Promise((resolve) => {
    const end = (code: number | undefined, how: string): void => {
      clearTimeout(silence);
      clearTimeout(trialEnd);
      resolve({ trial, wasUp, kept, code, lastedMs: performance.now() - startedMs, how: killed ?? how, overdue });
    };
    child.once("error", (error) => end(undefined, `it could not be started (${error.message})`));
    child.once("exit", (code, signal) => {
      end(code ?? undefined, code === null ? `it was ended by ${signal}` : `it ended with code ${code}`);
    });
  });
}
