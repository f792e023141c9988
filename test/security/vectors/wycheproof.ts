/** Wycheproof's vectors for Ed25519 signatures, in both layouts that the project has published. */
import { verifyStrict } from "@moult/trust";
import type { VectorFamily, VectorResult } from "./family.ts";

type Loose = Readonly<Record<string, unknown>>;

const HEX = /^(?:[0-9a-fA-F]{2})*$/;

/** Verifies each signature as devices do. `acceptable` vectors pass either way; other curves are skipped. */
export const WYCHEPROOF_ED25519: VectorFamily = {
  name: "wycheproof-ed25519",
  run: (document) => {
    if (!isObject(document) || document["algorithm"] !== "EDDSA" || !Array.isArray(document["testGroups"]))
      return undefined;
    return document["testGroups"].filter(isObject).flatMap(runGroup);
  },
};

function runGroup(group: Loose): readonly VectorResult[] {
  const key = isObject(group["publicKey"]) ? group["publicKey"] : group["key"];
  const ours = isObject(key) && key["curve"] === "edwards25519";
  const publicKey = isObject(key) ? bytesOf(key["pk"]) : undefined;
  const tests = Array.isArray(group["tests"]) ? group["tests"].filter(isObject) : [];
  return tests.map((vector) => ({
    id: String(vector["tcId"]),
    comment: typeof vector["comment"] === "string" ? vector["comment"] : "",
    outcome: ours ? judge(vector, publicKey) : "skipped",
  }));
}

function judge(vector: Loose, publicKey: Uint8Array | undefined): VectorResult["outcome"] {
  const [message, signature] = [bytesOf(vector["msg"]), bytesOf(vector["sig"])];
  if (publicKey === undefined || message === undefined || signature === undefined) return "failed";
  const valid = verifyStrict(signature, message, publicKey);
  const { result } = vector;
  return result === "acceptable" || valid === (result === "valid") ? "passed" : "failed";
}

function bytesOf(hex: unknown): Uint8Array | undefined {
  return typeof hex === "string" && HEX.test(hex) ? new Uint8Array(Buffer.from(hex, "hex")) : undefined;
}

function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
