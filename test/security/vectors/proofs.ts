/** RFC 6962 inclusion and consistency proofs, in the form of the transparency-dev test data. */
import { runProofVectors } from "@moult/trust/audit";
import type { VectorFamily } from "./family.ts";

/** The family. */
export const RFC_6962_PROOFS: VectorFamily = {
  name: "RFC 6962 proofs",
  run: (document) =>
    runProofVectors(new TextEncoder().encode(JSON.stringify(document)))?.map(({ name, passed }, n) => ({
      id: String(n + 1),
      comment: name,
      outcome: passed ? "passed" : "failed",
    })),
};
