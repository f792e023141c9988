/**
 * Plain TUF, as the public conformance suite speaks it: more kinds of keys, delegations, optional hashes, key ids of any
 * form. The session beneath is the one that devices run; only what Moult demands beyond TUF is left out. Never for a device.
 */
import { verify } from "node:crypto";
import { getPublicKey } from "@tufjs/models/dist/utils/key.js";
import { type Dialect, ED25519_SCHEME, type Scheme } from "@moult/trust/tuf";

/** Kinds of keys that the specification names and the library verifies. */
const LIBRARY_KEYS = [
  ["ecdsa", "ecdsa-sha2-nistp256"],
  ["ecdsa", "ecdsa-sha2-nistp384"],
  ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"],
  ["ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"],
  ["rsa", "rsassa-pss-sha256"],
  ["rsa", "rsassa-pss-sha384"],
  ["rsa", "rsassa-pss-sha512"],
] as const;

const EVEN_HEX = /^(?:[0-9a-f]{2})+$/;

function libraryScheme(keyType: string, scheme: string): Scheme {
  const keyOf = (publicText: string): ReturnType<typeof getPublicKey> | undefined => {
    try {
      return getPublicKey({ keyType, scheme, keyVal: publicText });
    } catch (error) {
      if (error instanceof Error) return undefined;
      throw error;
    }
  };
  return {
    identity: (publicText) => keyOf(publicText)?.key.export({ format: "der", type: "spki" }).toString("hex"),
    verify: (signatureText, message, publicText) => {
      const key = keyOf(publicText);
      if (key === undefined || !EVEN_HEX.test(signatureText)) return false;
      const { hashAlgorithm, ...native } = key;
      return verify(hashAlgorithm, message, native, Buffer.from(signatureText, "hex"));
    },
  };
}

/** Plain TUF. */
export const OPEN: Dialect = {
  schemes: new Map([
    ["ed25519/ed25519", ED25519_SCHEME],
    ...LIBRARY_KEYS.map(([type, scheme]): [string, Scheme] => [`${type}/${scheme}`, libraryScheme(type, scheme)]),
  ]),
  bytesMax: { root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000 },
  json: { depthMax: 32, valuesMax: 500_000 },
  rootsMax: 256,
  judge: () => undefined,
};
