import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memberKey } from "../fixtures.ts";
import { formatPublicKey } from "../keys.ts";
import { brakesInForce } from "./brake.ts";
import { formatStatement, pae, parseStatement } from "./envelope.ts";
import { StatementError } from "./errors.ts";
import type { StatementKind } from "./kinds.ts";
import { type StatementReader, signStatement, verifyStatement } from "./statement.ts";

const NOW = Date.parse("2031-05-01T00:00:00Z");
const HOUR_MS = 3_600_000;
const [ALICE, BOB, EVE] = [memberKey(1), memberKey(2), memberKey(3)];
const keys = [ALICE, BOB].map((key) => formatPublicKey(key.publicKey));

/** The payloads of these tests: `network issued expires reason`. The real ones are protobuf; this layer sees bytes. */
const read: StatementReader<string> = (payload) => {
  const [network, issued, expires, body, ...rest] = Buffer.from(payload).toString("utf8").split(" ");
  if (network === undefined || body === undefined || rest.length > 0) throw new Error("not four words");
  return { network, issuedMs: Number(issued), expiresMs: Number(expires), body };
};

function payload(over: { network?: string; issuedMs?: number; expiresMs?: number; reason?: string } = {}): Uint8Array {
  const { network = "demo", issuedMs = NOW, expiresMs = NOW + HOUR_MS, reason = "smoke" } = over;
  return new TextEncoder().encode(`${network} ${issuedMs} ${expiresMs} ${reason}`);
}

function verdict(
  bytes: Uint8Array,
  over: { kind?: StatementKind; threshold?: number; nowMs?: number; issuedUntilMs?: number } = {},
): string {
  try {
    return verifyStatement(bytes, { kind: "brake", network: "demo", keys, threshold: 1, read, nowMs: NOW, ...over })
      .body;
  } catch (error) {
    if (error instanceof StatementError) return error.code;
    throw error;
  }
}

const brake = signStatement("brake", { payload: payload() }, ALICE.privateKey);

describe("a statement", () => {
  test("counts when a key that may signed it, for this network, until it expires", () => {
    expect(verdict(brake)).toBe("smoke");
    expect(verdict(brake, { nowMs: NOW + HOUR_MS })).toBe("EXPIRED");
    expect(verdict(signStatement("brake", { payload: payload({ network: "other" }) }, ALICE.privateKey))).toBe(
      "OTHER_NETWORK",
    );
    expect(verdict(signStatement("brake", { payload: payload() }, EVE.privateKey))).toBe("SIGNATURES_TOO_FEW");
    expect(verdict(signStatement("brake", { payload: new Uint8Array([1]) }, ALICE.privateKey))).toBe("PAYLOAD_INVALID");
  });

  test("holds no longer than its kind may, and T that lags does not weaken it", () => {
    const long = payload({ expiresMs: NOW + 8 * 24 * HOUR_MS });
    expect(verdict(signStatement("brake", { payload: long }, ALICE.privateKey))).toBe("LIVES_TOO_LONG");
    expect(verdict(brake, { nowMs: 0 })).toBe("smoke");
    expect(verdict(brake, { nowMs: 0, issuedUntilMs: NOW - 1 })).toBe("ISSUED_LATER");
  });

  test("of one kind says nothing as another, also when it is relabelled", () => {
    expect(verdict(brake, { kind: "override" })).toBe("OTHER_KIND");
    const relabelled = formatStatement({
      ...parseStatement(brake),
      payloadType: "application/vnd.moult.override.v1+protobuf",
    });
    expect(verdict(relabelled, { kind: "override" })).toBe("SIGNATURES_TOO_FEW");
  });

  test("is counted by keys: two are two, one twice is one", () => {
    const both = signStatement("brake", { statement: brake }, BOB.privateKey);
    expect(verdict(both, { threshold: 2 })).toBe("smoke");
    const { signatures, ...rest } = parseStatement(brake);
    const doubled = formatStatement({ ...rest, signatures: [...signatures, ...signatures] });
    expect(verdict(doubled, { threshold: 2 })).toBe("ENVELOPE_INVALID");
    expect(verdict(brake, { threshold: 0 })).toBe("SIGNATURES_TOO_FEW");
  });

  test("is spoilt by any flipped bit, and never read before it is verified", () => {
    let reads = 0;
    const counting: StatementReader<string> = (bytes) => {
      reads += 1;
      return read(bytes);
    };
    fc.assert(
      fc.property(fc.nat(), (at) => {
        const bytes = Uint8Array.from(brake);
        const bit = at % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() =>
          verifyStatement(bytes, { kind: "brake", network: "demo", keys, threshold: 1, read: counting, nowMs: NOW }),
        ).toThrow(StatementError);
      }),
    );
    expect(reads).toBe(0);
  });

  test("is framed as DSSE says", () => {
    expect(Buffer.from(pae("http://example.com/HelloWorld", Buffer.from("hello world"))).toString()).toBe(
      "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
    );
  });
});

describe("the brake", () => {
  const rules = { network: "demo", breakers: keys, lifted: [] as readonly string[], read, nowMs: NOW };

  test("holds once, whatever channels brought it and whoever else signed it", () => {
    const again = signStatement("brake", { statement: brake }, BOB.privateKey);
    const { inForce, ignored } = brakesInForce([brake, brake, again], rules);
    expect(inForce.map((b) => b.body)).toEqual(["smoke"]);
    expect(ignored).toEqual([]);
  });

  test("ends when it expires, when the council lifts it, and when its breaker is revoked", () => {
    const [held] = brakesInForce([brake], rules).inForce;
    expect(brakesInForce([brake], { ...rules, nowMs: NOW + HOUR_MS }).inForce).toEqual([]);
    expect(brakesInForce([brake], { ...rules, lifted: [held?.digest ?? ""] }).inForce).toEqual([]);
    expect(brakesInForce([brake], { ...rules, breakers: keys.slice(1) }).inForce).toEqual([]);
  });

  test("lifting one does not lift the next", () => {
    const [held] = brakesInForce([brake], rules).inForce;
    const next = signStatement("brake", { payload: payload({ reason: "fire" }) }, BOB.privateKey);
    const { inForce } = brakesInForce([brake, next], { ...rules, lifted: [held?.digest ?? ""] });
    expect(inForce.map((b) => b.body)).toEqual(["fire"]);
  });

  test("a key that is named twice costs nobody a verification", () => {
    const { signatures, ...rest } = parseStatement(brake);
    const doubled = formatStatement({ ...rest, signatures: [...signatures, ...signatures] });
    const { inForce, ignored } = brakesInForce([doubled], rules);
    expect([inForce.length, ...ignored.map(({ error }) => error.code)]).toEqual([0, "ENVELOPE_INVALID"]);
  });

  test("what does not count is told, and stops nothing else", () => {
    const { inForce, ignored } = brakesInForce([new Uint8Array(3), brake], rules);
    expect(inForce.length).toBe(1);
    expect(ignored.map((i) => `${i.index} ${i.error.code}`)).toEqual(["0 ENVELOPE_INVALID"]);
  });
});
