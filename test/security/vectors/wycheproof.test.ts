import { sign, generateKey } from "@moult/trust";
import { expect, test } from "vitest";
import { WYCHEPROOF_ED25519 } from "./wycheproof.ts";

const { privateKey, publicKey } = generateKey(new Uint8Array(32).fill(7));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const msg = "313233";
const sig = hex(sign(Buffer.from(msg, "hex"), privateKey));

function documentOf(key: object, tests: readonly object[]): unknown {
  return { algorithm: "EDDSA", testGroups: [{ type: "EddsaVerify", ...key, tests }] };
}

const pk = { curve: "edwards25519", pk: hex(publicKey) };

test("counts what came out as the file says, in both layouts", () => {
  const tests = [
    { tcId: 1, comment: "right", msg, sig, result: "valid" },
    { tcId: 2, comment: "empty", msg, sig: "", result: "invalid" },
    { tcId: 3, comment: "called invalid and is right", msg, sig, result: "invalid" },
    { tcId: 4, comment: "called valid and is wrong", msg: "3132", sig, result: "valid" },
    { tcId: 5, comment: "either", msg, sig, result: "acceptable" },
  ];
  for (const key of [{ publicKey: pk }, { key: pk }]) {
    const outcomes = WYCHEPROOF_ED25519.run(documentOf(key, tests))?.map((r) => r.outcome);
    expect(outcomes).toEqual(["passed", "passed", "failed", "failed", "passed"]);
  }
});

test("another curve is skipped, another family is not ours", () => {
  const document = documentOf({ publicKey: { curve: "edwards448", pk: "00" } }, [
    { tcId: 1, msg, sig, result: "valid" },
  ]);
  expect(WYCHEPROOF_ED25519.run(document)?.[0]?.outcome).toBe("skipped");
  expect(WYCHEPROOF_ED25519.run({ algorithm: "ECDSA", testGroups: [] })).toBeUndefined();
  expect(WYCHEPROOF_ED25519.run([])).toBeUndefined();
});
