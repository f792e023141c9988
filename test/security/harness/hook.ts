/**
 * Loaded into a program before its own code. Replaces text in its sources as `SECURITY_PATCHES` says, so that a program
 * runs without one of its defences, and lets its clock leap by `SECURITY_LEAP_MS` whenever it is sent SIGUSR2. What was
 * done is written into the folder `SECURITY_NOTES`. Throws where a text does not stand exactly once, so that a mutant
 * cannot rot unnoticed.
 */
import { appendFileSync } from "node:fs";
import { type LoadFnOutput, registerHooks } from "node:module";
import { join } from "node:path";
import type { Patch } from "./attack.ts";

const notes = process.env["SECURITY_NOTES"] ?? "";
const patches = JSON.parse(process.env["SECURITY_PATCHES"] ?? "[]") as readonly Patch[];
const leapMs = Number(process.env["SECURITY_LEAP_MS"] ?? 0);

const note = (file: string): void => appendFileSync(join(notes, file), `${process.pid}\n`);

function patched(url: string, source: LoadFnOutput["source"]): string | undefined {
  const mine = patches.filter(({ file }) => url.endsWith(`/${file}`));
  if (mine.length === 0) return undefined;
  let text = typeof source === "string" ? source : Buffer.from(source as Uint8Array).toString("utf8");
  for (const { file, from, to } of mine) {
    if (text.split(from).length !== 2) throw new Error(`${from} does not stand once in ${file}`);
    text = text.replace(from, () => to);
    note("patched");
  }
  return text;
}

if (patches.length > 0) {
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      const source = patched(url, loaded.source);
      return source === undefined ? loaded : { ...loaded, source };
    },
  });
}

if (leapMs > 0) {
  let aheadMs = 0;
  const real = performance.now.bind(performance);
  performance.now = () => real() + aheadMs;
  process.on("SIGUSR2", () => {
    aheadMs += leapMs;
    note("leaps");
  });
}
