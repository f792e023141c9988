/** Every lie of the list, told over HTTP, is found by the command's own verification; an honest log is not. */
import { parseVkey } from "@moult/trust/audit";
import { AuditError, openCheckpoint } from "@moult/trust/audit";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLog } from "../../apps/cli/src/audit/log-source.ts";
import { verifyLog } from "../../apps/cli/src/audit/verify-log.ts";
import { CliError } from "../../apps/cli/src/errors.ts";
import { LIES } from "./lies.ts";
import { forge, entriesOf } from "./liar.ts";
import { type CapturedLog, captureLog, serveResources } from "./served-log.ts";

/** Two full tiles of level 0 with one above them, and a partial one. */
const SIZE = 600;
const RUNS = process.env["MOULT_DEEP"] === "1" ? 2_000 : 8;

let log: CapturedLog;
let served: ReadonlyMap<string, Uint8Array>;
let server: Awaited<ReturnType<typeof serveResources>>;
beforeAll(async () => {
  log = await captureLog(SIZE);
  server = await serveResources(() => served);
});
afterAll(() => server.stop());

/** How the verification of what is served ends: `right`, or the code of what was found. */
async function verdict(withHistory: boolean): Promise<string> {
  const key = parseVkey(log.vkey, "note");
  const settings = { url: server.url, caPem: undefined, key, witnesses: [], quorum: 0 };
  const saved = withHistory ? [openCheckpoint(log.resources.get("checkpoint") ?? new Uint8Array(), key)] : [];
  const source = openLog(settings);
  try {
    const { checkpoint } = await verifyLog(source, settings, { saved });
    return `right ${checkpoint.size}`;
  } catch (error) {
    if (error instanceof AuditError) return error.code;
    if (error instanceof CliError) return error.kind;
    throw error;
  } finally {
    source.close();
  }
}

test("the honest log is found right, with and without a history", async () => {
  served = log.resources;
  expect(await verdict(false)).toBe(`right ${SIZE}`);
  expect(await verdict(true)).toBe(`right ${SIZE}`);
});

test("the liar, made to tell the truth, is found right: so what is found is the lie", async () => {
  served = forge(log, entriesOf(log));
  expect(
    [...served].every(([path, bytes]) => Buffer.compare(bytes, log.resources.get(path) ?? Buffer.of()) === 0),
  ).toBe(true);
  expect(await verdict(true)).toBe(`right ${SIZE}`);
});

describe.each(LIES)("$name", ({ tell, needsHistory }) => {
  test("is found", async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async (numbers) => {
        const pick = (below: number): number => Number(numbers.next().value) % below;
        served = tell(log, pick);
        const found = await verdict(needsHistory);
        expect(found).not.toMatch(/^right/);
        expect(found).not.toBe("UNEXPECTED");
      }),
      { numRuns: RUNS },
    );
  });
});

test("what only a history can tell needs one", async () => {
  for (const { tell, needsHistory } of LIES) {
    served = tell(log, () => 3);
    expect((await verdict(false)).startsWith("right")).toBe(needsHistory);
  }
});
