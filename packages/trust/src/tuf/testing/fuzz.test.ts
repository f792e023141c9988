import { expect, test } from "vitest";
import { StatementError } from "../../statement/errors.ts";
import { parseStatement } from "../../statement/envelope.ts";
import { signStatement } from "../../statement/statement.ts";
import { refresh } from "../client/refresh.ts";
import { TufError } from "../errors.ts";
import { JSON_BOUNDS } from "../form/limits.ts";
import { JsonError, parseStrictJson } from "../form/strict-json.ts";
import { readFile } from "../repository/file.ts";
import { canonicalBytes } from "../form/canonical.ts";
import { Dice, damaged, noise } from "./fuzz.ts";
import { type Loose, signedOf, text } from "./forge.ts";
import { KEYS, T, World, livelyWorld } from "./world.ts";
import type { Json } from "../form/strict-json.ts";

const DEEP = process.env["MOULT_DEEP"] === "1";
const SEED = Number(process.env["MOULT_SEED"] ?? Date.now() % 2 ** 32);
const READS = Number(process.env["MOULT_FUZZ_INPUTS"] ?? (DEEP ? 4_000_000 : 20_000));
const REFRESHES = DEEP ? 20_000 : 100;

/** Some hours of a slow machine; a reader that hangs is seen long before. */
const TIMEOUT_MS = DEEP ? 10_800_000 : 60_000;

const world = livelyWorld();
const statement = signStatement("brake", { payload: text("brake") }, KEYS.breaker.privateKey);
const files = ["1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"] as const;
const seeds: readonly [Uint8Array, ...Uint8Array[]] = [statement, ...files.map((name) => world.file(name))];

/** What a reader may throw; anything else is a crash. */
function survives(read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    read(bytes);
  } catch (error) {
    if (error instanceof TufError || error instanceof JsonError || error instanceof StatementError) return;
    const shown = Buffer.from(bytes).toString("base64");
    throw new Error(`MOULT_SEED=${SEED} crashes a reader with ${shown}`, { cause: error });
  }
}

test(`readers refuse in their own words, in bounded memory (seed ${SEED})`, { timeout: TIMEOUT_MS }, () => {
  const dice = new Dice(SEED);
  let highest = 0;
  for (let n = 0; n < READS; n += 1) {
    const bytes = dice.roll(4) === 0 ? noise(dice, 256) : damaged(dice, dice.pick(seeds));
    survives((b) => parseStrictJson(b, JSON_BOUNDS), bytes);
    survives((b) => readFile(b), bytes);
    survives(parseStatement, bytes);
    if (n % 10_000 === 0) highest = Math.max(highest, process.memoryUsage().heapUsed);
  }
  // Nothing is kept between inputs; what a collector has not come to yet fits many times.
  expect(highest).toBeLessThan(512 * 1024 * 1024);
});

test(
  `whatever is damaged on the mirror, only what was signed is accepted (seed ${SEED})`,
  { timeout: TIMEOUT_MS },
  async () => {
    const dice = new Dice(SEED ^ 0x5bd1e995);
    const signed = new Map(files.map((name) => [name, canonicalText(world.file(name))]));
    let accepted = 0;
    for (let n = 0; n < REFRESHES; n += 1) {
      const attacked = new World(world.flashedRoot);
      for (const [file, good] of world.files) attacked.files.set(file, good);
      const name = dice.pick(["timestamp.json", "1.snapshot.json", "1.targets.json", "2.root.json"]);
      const bytes = damaged(dice, name === "2.root.json" ? world.file("1.root.json") : world.file(name));
      attacked.files.set(name, bytes);
      try {
        const { session } = await refresh(attacked, T);
        accepted += 1;
        const got = [session.root, session.timestamp, session.snapshot, session.targets()];
        expect(got.map((document) => Buffer.from(document?.message ?? []).toString())).toEqual([...signed.values()]);
      } catch (error) {
        if (!(error instanceof TufError)) throw new Error(`MOULT_SEED=${SEED}, refresh ${n}`, { cause: error });
      }
    }
    expect(accepted).toBeLessThan(REFRESHES);
  },
);

function canonicalText(bytes: Uint8Array): string {
  return Buffer.from(canonicalBytes(signedOf(bytes) as Loose & { readonly [key: string]: Json })).toString();
}
