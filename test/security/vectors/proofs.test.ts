import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { RFC_6962_PROOFS } from "./proofs.ts";

const hash = (...parts: readonly Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();

it("judges a proof as its vector says, and leaves other documents alone", () => {
  const [left, right] = ["a", "b"].map((leaf) => hash(Buffer.of(0), Buffer.from(leaf))) as [Buffer, Buffer];
  const root = hash(Buffer.of(1), left, right);
  const vector = {
    desc: "two leaves",
    leafIdx: 0,
    treeSize: 2,
    root: root.toString("base64"),
    leafHash: left.toString("base64"),
    proof: [right.toString("base64")],
    wantErr: false,
  };
  const bent = { ...vector, desc: "bent", proof: [left.toString("base64")] };
  expect(RFC_6962_PROOFS.run(vector)).toMatchObject([{ outcome: "passed" }]);
  expect(RFC_6962_PROOFS.run(bent)).toMatchObject([{ outcome: "failed" }]);
  expect(RFC_6962_PROOFS.run({ ...bent, wantErr: true })).toMatchObject([{ outcome: "passed" }]);
  expect(RFC_6962_PROOFS.run({ algorithm: "EDDSA" })).toBeUndefined();
});
