/** The operator's and the council's hands: the real `moult`, as a process, as anybody would type it. */
import { execFile } from "node:child_process";
import { compiled, plainEnvironment } from "../harness/environment.ts";
import { MOULT } from "./sources.ts";

/** A command that does not end by then hangs, in milliseconds. Uploading a runtime takes the longest. */
const TIMEOUT_MS = 60_000;
/** More output than any command of the demo prints, in bytes. */
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

/** What a command did. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command that must succeed; returns what it printed. */
export type RunOperator = (words: readonly string[]) => Promise<string>;

/** A command ended in another way than it had to. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
}

/**
 * Runs `moult` with `words`; `stateDir` is the coordinator's folder, from which it takes address and token. Ends it where
 * `signal` is aborted.
 */
export function runMoult(words: readonly string[], stateDir: string, signal: AbortSignal): Promise<CommandResult> {
  const env = { ...plainEnvironment(process.env), ...compiled(), MOULT_STATE_DIR: stateDir, NO_COLOR: "1" };
  return new Promise((resolve, reject) => {
    const options = { env, signal, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX, encoding: "utf8" as const };
    execFile(process.execPath, [MOULT, ...words], options, (error, stdout, stderr) => {
      if (error === null) resolve({ exitCode: 0, stdout, stderr });
      else if (typeof error.code === "number") resolve({ exitCode: error.code, stdout, stderr });
      else reject(new CommandFailed(`${asTyped(words)} could not be run`, { cause: error }));
    });
  });
}

/** An operator whose commands must succeed; CommandFailed with what the command said where one does not. */
export function operatorOf(stateDir: string, signal: AbortSignal): RunOperator {
  return async (words) => {
    const { exitCode, stdout, stderr } = await runMoult(words, stateDir, signal);
    if (exitCode === 0) return stdout;
    throw new CommandFailed(`${asTyped(words)} ended with ${exitCode}: ${stderr}${stdout}`);
  };
}

/** The command as one would type it. */
export function asTyped(words: readonly string[]): string {
  return `moult ${words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(" ")}`;
}
