/** All families, in the order in which they are asked. A new one is one line here. */
import { RFC_6962_PROOFS } from "./proofs.ts";
import { WYCHEPROOF_ED25519 } from "./wycheproof.ts";
import type { VectorFamily } from "./family.ts";

export const FAMILIES: readonly VectorFamily[] = [WYCHEPROOF_ED25519, RFC_6962_PROOFS];
