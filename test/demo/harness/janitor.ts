/**
 * The janitor as a process: `node harness/janitor.ts FOLDER`. It waits until the demo lets go of its standard input, in
 * whatever way the demo ends, and then leaves no process and no file of it.
 */
import { sweep } from "./sweep.ts";

const folder = process.argv[2];
if (folder === undefined) throw new Error("name the folder to sweep");
// Ctrl-C and a closing terminal are for the demo; its end is what the janitor goes by.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.stdin.resume();
process.stdin.on("error", () => undefined);
process.stdin.once("close", () => void sweep(folder));
