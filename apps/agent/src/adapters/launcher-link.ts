/**
 * The agent's side of the pipe to its launcher: lines of plain words, so that neither has to know the other's version.
 * When the pipe closes the launcher is gone, and a new one has to find no agent in its way.
 */
import { Socket } from "node:net";
import type { Launcher } from "../ports.ts";

/** In the agent's environment: the pipe's file descriptor. */
export const LAUNCHER_FD_VARIABLE = "MOULT_LAUNCHER_FD";

/** A launcher that is never there, for an agent that is started by hand. */
const NOBODY: Launcher = { tellUp() {}, tellAlive() {}, tellKept() {} };

/** The launcher. `onGone` is called when it ended or wants this agent to end. */
export function linkLauncher(env: Readonly<Record<string, string | undefined>>, onGone: () => void): Launcher {
  const fd = Number(env[LAUNCHER_FD_VARIABLE]);
  if (!Number.isSafeInteger(fd) || fd < 3) return NOBODY;
  const pipe = new Socket({ fd, readable: true, writable: true });
  pipe.on("data", (data) => {
    if (data.toString("utf8").split("\n").includes("stop")) onGone();
  });
  pipe.on("error", onGone);
  pipe.on("close", onGone);
  const tell = (word: string): void => {
    if (pipe.writable) pipe.write(`${word}\n`);
  };
  return { tellUp: () => tell("up"), tellAlive: () => tell("alive"), tellKept: () => tell("kept") };
}
