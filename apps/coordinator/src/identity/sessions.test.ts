import fc from "fast-check";
import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { createSessions } from "./sessions.ts";

const SECRET = new Uint8Array(32).fill(7);
const START_MS = 1_800_000_000_000;

test("a session lasts at least as long as was said, at most a second longer, at any moment of the clock", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 5000 }), async (offsetMs, ttlMs) => {
      const openedMs = START_MS + offsetMs;
      let now = openedMs;
      const sessions = createSessions(SECRET, "demo", ttlMs, { now: () => now });
      const token = await sessions.open("n1");
      now = openedMs + ttlMs - 1;
      expect(await sessions.check(token)).toMatchObject({ nodeId: "n1" });
      expect(await sessions.check(token)).toMatchObject({ nodeId: "n1" });
      now = openedMs + ttlMs + 1000;
      expect(await sessions.check(token)).toBe("EXPIRED");
      expect(await createSessions(SECRET, "demo", ttlMs, { now: () => now }).check(token)).toBe("EXPIRED");
    }),
    { numRuns: 50 },
  );
});

test("a token of another network, secret or kind is none", async () => {
  const clock = { now: () => START_MS };
  const sessions = createSessions(SECRET, "demo", 1000, clock);
  const others = [
    await createSessions(SECRET, "other", 1000, clock).open("n1"),
    await createSessions(new Uint8Array(32), "demo", 1000, clock).open("n1"),
    await new SignJWT().setProtectedHeader({ alg: "HS256" }).setSubject("n1").setAudience("demo").sign(SECRET),
    `${await sessions.open("n1")}x`,
    "eyJhbGciOiJub25lIn0.e30.",
    "",
  ];
  for (const token of others) expect(await sessions.check(token)).toBe("INVALID");
});
