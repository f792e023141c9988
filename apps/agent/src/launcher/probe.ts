/**
 * Whether a runtime takes the options it is to be started with. Asked only after a start that failed: the launcher is
 * older than most runtimes it starts, and an option that one of them no longer knows must not keep a box from its update.
 */
import { spawn } from "node:child_process";

/** A runtime says its version within this, in milliseconds, or it does not work. */
const TIMEOUT_MS = 5_000;

/** Whether the program starts with these options. However else it fails, without options it could not do worse. */
export function takesOptions(program: string, options: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, [...options, "--version"], {
      stdio: "ignore",
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}
