/** What is shown of a key: never its private half. */
import { formatPublicKey, keyId } from "@moult/trust";
import type { Answer } from "../../output/print.ts";
import { renderPairs } from "../../output/table.ts";

/** The key in `file`. */
export function keyAnswer(publicKey: Uint8Array, file: string): Answer {
  const shown = { publicKey: formatPublicKey(publicKey), keyId: keyId(publicKey), file };
  return {
    json: shown,
    table: (style) =>
      renderPairs(
        [
          ["public key", shown.publicKey],
          ["key id", shown.keyId],
          ["file", shown.file],
        ],
        style,
      ),
  };
}
