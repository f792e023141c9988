/** Running one hook: an executable that takes its message on standard input and answers on standard output. */
import { execFile } from "node:child_process";

/** What a hook may take, in milliseconds: starting and stopping wait for the work itself. */
export const HOOK_TIMEOUTS_MS = {
  situation: 5_000,
  drain: 5_000,
  restore: 5_000,
  start: 120_000,
  stop: 120_000,
} as const;

/** The hooks there are. */
export type HookName = keyof typeof HOOK_TIMEOUTS_MS;

/** More than a situation takes, in bytes. */
const OUTPUT_BYTES_MAX = 65_536;

/** Runs the hook; its standard output is the answer. Rejects where it fails or takes too long. */
export function runHook(path: string, input: string, timeoutMs: number, env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      maxBuffer: OUTPUT_BYTES_MAX,
      env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", ...env },
    } as const;
    const child = execFile(path, options, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
    // A hook that does not read its input ends the pipe early; its exit says how it went.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
