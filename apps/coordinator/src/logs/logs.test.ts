import fc from "fast-check";
import { expect, test } from "vitest";
import type { Log } from "../ports.ts";
import { processLog } from "./process-log.ts";
import { SparingLog } from "./sparing-log.ts";

interface Line {
  readonly level: string;
  readonly message: string;
  readonly facts: { readonly times?: number };
}

function sparing(): { readonly log: SparingLog; readonly lines: Line[]; readonly pass: (ms: number) => void } {
  const lines: Line[] = [];
  let nowMs = 0;
  const keep = (level: string) => (facts: object, message: string) => void lines.push({ level, message, facts });
  const to: Log = { info: keep("info"), warn: keep("warn"), error: keep("error") };
  const log = new SparingLog(to, () => nowMs);
  const pass = (ms: number): void => {
    nowMs += ms;
    log.passTime();
  };
  return { log, lines, pass };
}

test("the first is said at once, the same again once a minute, with a count", () => {
  const { log, lines, pass } = sparing();
  for (let n = 0; n < 1_000; n += 1) log.error({ err: new Error("disk full") }, "not written");
  expect(lines).toHaveLength(1);
  pass(59_999);
  expect(lines).toHaveLength(1);
  pass(1);
  expect(lines[1]?.facts.times).toBe(999);
  pass(120_000);
  log.error({ err: new Error("disk full") }, "not written");
  expect(lines).toHaveLength(3);
  expect(log.joined).toBe(999);
});

test("another cause is another line, up to ten of a sentence; what informs is never held back", () => {
  const { log, lines } = sparing();
  for (let n = 0; n < 100; n += 1) log.warn({ address: `10.0.0.${n}` }, "refused");
  // Ten by themselves, and one for the rest.
  expect(lines).toHaveLength(11);
  for (let n = 0; n < 3; n += 1) log.info({}, "tidied");
  expect(lines).toHaveLength(14);
});

test("nothing is lost: what was said is what was written and what was counted, however it came", () => {
  const said = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(14), fc.nat(90_000)), { maxLength: 60 });
  fc.assert(
    fc.property(said, (calls) => {
      const { log, lines, pass } = sparing();
      for (const [message, fact, ms] of calls) {
        log.error({ fact }, message);
        pass(ms);
      }
      pass(60_000);
      pass(60_000);
      const written = lines.reduce((sum, { facts }) => sum + (facts.times ?? 1), 0);
      expect(written).toBe(calls.length);
    }),
  );
});

test("secrets do not reach the log, whether as facts or in an error's words", () => {
  let text = "";
  const log = processLog("info", "demo", { write: (line) => void (text += line) });
  log.info({ token: "s3cret-a", call: { authorization: "Bearer s3cret-b" } }, "x");
  log.error({ err: new Error("connect postgres://moult:s3cret-c@db/moult failed") }, "y");
  expect(text).not.toContain("s3cret");
  expect(text).toContain("postgres://db/moult");
});
