#!/usr/bin/env node
/** The `moult` command as a process: makes the real ports and runs. */
import { randomBytes, randomUUID } from "node:crypto";
import { isatty } from "node:tty";
import type { Ports, Sink } from "./ports.ts";
import { run } from "./run.ts";

/** Where the terminal does not say, as wide as terminals always were. */
const COLUMNS_DEFAULT = 80;

function sink(stream: NodeJS.WriteStream, descriptor: number): Sink {
  const isTTY = isatty(descriptor);
  // A reader that has seen enough (`moult … | head`) is no error.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  return {
    write: (text) => void stream.write(text),
    isTTY,
    get columns() {
      return isTTY && stream.columns > 0 ? stream.columns : COLUMNS_DEFAULT;
    },
  };
}

const interrupt = new AbortController();
let listening = false;

const ports: Ports = {
  stdout: sink(process.stdout, 1),
  stderr: sink(process.stderr, 2),
  stdinIsTTY: isatty(0),
  env: process.env,
  host: { os: process.platform, arch: process.arch },
  now: Date.now,
  randomId: randomUUID,
  randomSeed: () => randomBytes(32),
  async confirm(question) {
    // Loaded only where a question is asked: most runs ask none.
    const { confirm } = await import("@clack/prompts");
    const answer = await confirm({ message: question, initialValue: false, output: process.stderr });
    return answer === true;
  },
  interrupted() {
    if (!listening) process.once("SIGINT", () => interrupt.abort());
    listening = true;
    return interrupt.signal;
  },
};

process.exitCode = await run(process.argv.slice(2), ports);
