/** Ports for tests: a terminal in memory, a clock that stands, ids that count. */
import type { Ports, Sink } from "../ports.ts";
import { run } from "../run.ts";

/** What a test may set. */
export interface TestWorld {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether somebody sits there. */
  readonly tty?: boolean;
  /** What somebody answers to questions; a function also does what happens meanwhile. */
  readonly answer?: boolean | (() => Promise<boolean>);
  readonly nowMs?: number;
  readonly signal?: AbortSignal;
  /** Called with each piece of text that goes to stdout. */
  readonly onOutput?: (text: string) => void;
}

/** What came of a run. */
export interface TestRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly questions: readonly string[];
}

/** The time in tests where none is given: 2026-01-02T03:04:05Z. */
export const TEST_NOW_MS: number = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Runs `moult` with `args` in this process. */
export async function runMoult(args: readonly string[], world: TestWorld = {}): Promise<TestRun> {
  const questions: string[] = [];
  const out = memorySink(world.tty === true, world.onOutput);
  const err = memorySink(world.tty === true);
  let ids = 0;
  const ports: Ports = {
    stdout: out.sink,
    stderr: err.sink,
    stdinIsTTY: world.tty === true,
    env: world.env ?? {},
    host: { os: "linux", arch: "x64" },
    now: () => world.nowMs ?? TEST_NOW_MS,
    randomId: () => `id-${(ids += 1)}`,
    randomSeed: () => new Uint8Array(32).fill(7),
    confirm: (question) => {
      questions.push(question);
      return typeof world.answer === "function" ? world.answer() : Promise.resolve(world.answer === true);
    },
    interrupted: () => world.signal ?? new AbortController().signal,
  };
  const code = await run(args, ports);
  return { code, stdout: out.text(), stderr: err.text(), questions };
}

function memorySink(
  isTTY: boolean,
  onText: (text: string) => void = () => {},
): { readonly sink: Sink; readonly text: () => string } {
  const written: string[] = [];
  const write = (text: string): void => {
    written.push(text);
    onText(text);
  };
  return { sink: { write, isTTY, columns: 80 }, text: () => written.join("") };
}
