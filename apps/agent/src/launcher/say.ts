/** The launcher's few sentences, as lines of JSON like the agent's. */

/** How much a sentence matters. */
export type Level = "info" | "warn" | "error";

/** Says one sentence. */
export type Say = (level: Level, sentence: string) => void;

/** The levels' numbers, as the agent's log has them. */
const NUMBERS: Readonly<Record<Level, number>> = { info: 30, warn: 40, error: 50 };

/** Says it on standard output. */
export const sayToStdout: Say = (level, msg) => {
  process.stdout.write(`${JSON.stringify({ level: NUMBERS[level], time: Date.now(), name: "launcher", msg })}\n`);
};
