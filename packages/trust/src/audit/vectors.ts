/**
 * Test vectors for proofs of RFC 6962 trees, in the form of the transparency-dev/merkle collection: one JSON object a
 * vector (`leafIdx, treeSize, root, leafHash, proof, desc, wantErr` or `size1, size2, root1, root2, proof, desc, wantErr`),
 * or a list of them. Runs them against the verifiers of this folder and says where the answers differ.
 */
import { fromBase64, fromJson, isObject } from "../encoding.ts";
import { verifyConsistency, verifyInclusion } from "./proof.ts";

/** How one vector went. */
export interface VectorResult {
  /** `inclusion` or `consistency`, and the vector's own description. */
  readonly name: string;
  readonly passed: boolean;
}

/** The vectors of `bytes`, run; undefined where they are no vectors of proofs. */
export function runProofVectors(bytes: Uint8Array): readonly VectorResult[] | undefined {
  const document = fromJson(bytes);
  const list = Array.isArray(document?.value) ? (document.value as readonly unknown[]) : [document?.value];
  const results: VectorResult[] = [];
  for (const vector of list) {
    if (!isObject(vector) || typeof vector["wantErr"] !== "boolean") return undefined;
    const answer = runInclusion(vector) ?? runConsistency(vector);
    if (answer === undefined) return undefined;
    const kind = "leafIdx" in vector ? "inclusion" : "consistency";
    results.push({
      name: `${kind}: ${typeof vector["desc"] === "string" ? vector["desc"] : "no description"}`,
      passed: answer !== vector["wantErr"],
    });
  }
  return results;
}

function runInclusion({ leafIdx, treeSize, root, leafHash, proof }: Record<string, unknown>): boolean | undefined {
  if (typeof leafIdx !== "number" || typeof treeSize !== "number") return undefined;
  return verifyInclusion(
    { index: leafIdx, size: treeSize, leafHash: hashOf(leafHash), root: hashOf(root) },
    hashes(proof),
  );
}

function runConsistency({ size1, size2, root1, root2, proof }: Record<string, unknown>): boolean | undefined {
  if (typeof size1 !== "number" || typeof size2 !== "number") return undefined;
  const claim = { oldSize: size1, oldRoot: hashOf(root1), size: size2, root: hashOf(root2) };
  return verifyConsistency(claim, hashes(proof));
}

function hashes(proof: unknown): readonly Uint8Array[] {
  return Array.isArray(proof) ? proof.map((item) => hashOf(item)) : [];
}

/** What is no hash becomes one of no bytes, which the verifiers must refuse. */
function hashOf(value: unknown): Uint8Array {
  return (typeof value === "string" ? fromBase64(value) : undefined) ?? new Uint8Array();
}
