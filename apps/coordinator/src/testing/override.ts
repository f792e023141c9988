/** Overrides as operators sign them. The key is made anew each time; the test's coordinator knows it as an `override_key`. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { writeOverrideStatement } from "@moult/contracts";
import type { CreateOverrideRequestSchema } from "@moult/contracts/v1";
import { type KeyPair, formatPublicKey, generateKey } from "@moult/trust";
import { signStatement } from "@moult/trust/statement";
import { NETWORK } from "./network.ts";

/** The operator's key. */
export const OPERATOR_KEY: KeyPair = generateKey();

/** As configurations name it. */
export const OPERATOR_PUBLIC_KEY: string = formatPublicKey(OPERATOR_KEY.publicKey);

/** What an override is to say. */
export interface OverrideWish {
  readonly pool: string;
  readonly nodes?: readonly string[];
  readonly reason: string;
  readonly deficitMaxRps: number;
  readonly allowShardAndDomain?: boolean;
}

/** How it is signed, where that differs. */
export interface SigningWish {
  readonly key?: KeyPair;
  readonly network?: string;
  readonly issuedMs?: number;
  /** What is signed instead of what is asked for. */
  readonly said?: Partial<OverrideWish>;
  readonly saidTtlS?: number;
}

/** A request with its statement. */
export function signedOverride(
  override: OverrideWish,
  ttlS: number,
  { key = OPERATOR_KEY, network = NETWORK, issuedMs = Date.now(), said = {}, saidTtlS = ttlS }: SigningWish = {},
): MessageInitShape<typeof CreateOverrideRequestSchema> {
  const { pool, nodes = [], reason, deficitMaxRps, allowShardAndDomain = false } = { ...override, ...said };
  const id = (name: string): string => name.slice(name.indexOf("/") + 1);
  const payload = writeOverrideStatement({
    network,
    issuedMs,
    expiresMs: issuedMs + saidTtlS * 1000,
    body: { pool: id(pool), nodes: nodes.map(id), reason, deficitMaxRps, allowShardAndDomain },
  });
  const statement = signStatement("override", { payload }, key.privateKey);
  return { override: { ...override, nodes: [...(override.nodes ?? [])] }, ttlS, statement };
}
