/** Leaves as they are shown and exported. */
import type { JsonValue } from "@bufbuild/protobuf";
import { type Leaf, canonicalJson } from "@moult/trust/audit";
import { printable } from "../output/text.ts";

/** A leaf for programs. A body that stands apart is given by its digest. */
export function leafJson(leaf: Leaf, index: number): JsonValue {
  const { network, pool, seq, atMs, kind, body } = leaf;
  const head = { index, network, pool, seq, atMs, kind };
  if ("digest" in body) return { ...head, bodyDigest: body.digest, bodyBytes: body.lengthBytes };
  return { ...head, body: body.value as JsonValue };
}

/** A leaf on one line, for people. */
export function leafLine({ pool, seq, atMs, kind, body }: Leaf, index: number): string {
  const said = "digest" in body ? `${body.lengthBytes} bytes, SHA-256 ${body.digest}` : canonicalJson(body.value);
  return printable(`${index}  ${new Date(atMs).toISOString()}  ${pool}/${seq}  ${kind}  ${said}`);
}
