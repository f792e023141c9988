/** Attacks by keys and signatures: one key that counts twice, keys that verify anything, quorums that are none. */
import { createHash, generateKeyPairSync, sign as signNative } from "node:crypto";
import { Point } from "@noble/ed25519";
import { canonicalize } from "@tufjs/canonical-json";
import type { KeyPair } from "../../keys.ts";
import { type Attack, type Change, changedTargets, nextRoot, part, serveTargets } from "./attack.ts";
import { type Loose, edited, file, hex, idOf, listed, seal, sha256, signature, signedOf, text } from "./forge.ts";
import { KEYS, World } from "./world.ts";

const [FIRST, SECOND] = KEYS.council as [KeyPair, KeyPair];
const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const ALIAS = "ab".repeat(32);
const SMALL = { keytype: "ed25519", scheme: "ed25519", keyval: { public: `01${"00".repeat(31)}` } };
const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** Lists a key under `id` for the council, alone or beside the first member. */
function council(id: string, key: unknown, keyIds: readonly string[], threshold: number): Change {
  return (root) => {
    const keys = part(root, "keys");
    for (const member of KEYS.council) if (!keyIds.includes(idOf(member))) delete keys[idOf(member)];
    keys[id] = key;
    part(root, "roles")["targets"] = { keyids: keyIds, threshold };
  };
}

/** The list once more, with signatures of the attack's making. */
function listSignedBy(world: World, signatures: (signed: Loose) => readonly unknown[]): void {
  const signed = signedOf(changedTargets(world, () => undefined));
  serveTargets(world, file(signed, signatures(signed)));
}

const alias = (world: World): void => {
  nextRoot(world, council(ALIAS, listed(FIRST), [idOf(FIRST), ALIAS], 2));
  listSignedBy(world, (signed) => [signature(signed, FIRST), signature(signed, FIRST, ALIAS)]);
};

const smallOrder = (world: World): void => {
  nextRoot(world, council(ALIAS, SMALL, [ALIAS], 1));
  listSignedBy(world, () => [{ keyid: ALIAS, sig: `01${"00".repeat(63)}` }]);
};

/** The first member's key plus the point of order 2: another key, for which the same person can sign. */
const ORDER_TWO = Point.fromBytes(Buffer.from(`ec${"ff".repeat(30)}7f`, "hex"));
const TWIN = Point.fromBytes(FIRST.publicKey).add(ORDER_TWO).toBytes();

/** Signs for the twin: tries nonces until the challenge is even, so that the small-order part vanishes. */
function signAsTwin(message: Uint8Array): string {
  const little = (bytes: Uint8Array): bigint => BigInt(`0x${hex(bytes.toReversed())}`);
  const sha512 = (...parts: Uint8Array[]): Uint8Array => createHash("sha512").update(Buffer.concat(parts)).digest();
  const scalar = sha512(FIRST.privateKey).slice(0, 32);
  scalar[0] = (scalar[0] ?? 0) & 248;
  scalar[31] = ((scalar[31] ?? 0) & 127) | 64;
  for (let r = 7n; ; r += 1n) {
    const nonce = Point.BASE.multiply(r).toBytes();
    const k = little(sha512(nonce, TWIN, message)) % GROUP_ORDER;
    if (k % 2n !== 0n) continue;
    const s = ((r + k * little(scalar)) % GROUP_ORDER).toString(16).padStart(64, "0");
    return hex(nonce) + hex(new Uint8Array(Buffer.from(s, "hex")).toReversed());
  }
}

const twins = (world: World): void => {
  const twin = { ...listed(FIRST), keyval: { public: hex(TWIN) } };
  const id = sha256(text(canonicalize(twin)));
  nextRoot(world, council(id, twin, [idOf(FIRST), id], 2));
  listSignedBy(world, (signed) => [
    signature(signed, FIRST),
    { keyid: id, sig: signAsTwin(text(canonicalize(signed))) },
  ]);
};

const otherAlgorithm = (world: World): void => {
  const pem = RSA.publicKey.export({ format: "pem", type: "spki" });
  nextRoot(world, council(ALIAS, { ...listed(FIRST), keyval: { public: pem } }, [ALIAS], 1));
  listSignedBy(world, (signed) => {
    const sig = signNative(null, Buffer.from(canonicalize(signed)), RSA.privateKey).toString("hex");
    return [{ keyid: ALIAS, sig }];
  });
};

const upperCase = (world: World): void => {
  const upper = { ...listed(FIRST), keyval: { public: hex(FIRST.publicKey).toUpperCase() } };
  nextRoot(world, council(ALIAS, upper, [idOf(FIRST), ALIAS], 2));
  listSignedBy(world, (signed) => [signature(signed, FIRST), signature(signed, FIRST, ALIAS)]);
};

/** The same signature with S plus the group order. */
function malleated(sig: string): string {
  const bytes = new Uint8Array(Buffer.from(sig, "hex"));
  const s = BigInt(`0x${hex(bytes.slice(32).toReversed())}`) + GROUP_ORDER;
  const encoded = new Uint8Array(Buffer.from(s.toString(16).padStart(64, "0"), "hex"));
  return hex(bytes.slice(0, 32)) + hex(encoded.toReversed());
}

function timestampSignature(change: (sig: string) => string): (world: World) => void {
  return (world) => {
    const bytes = world.file("timestamp.json");
    const sig = signature(signedOf(bytes), KEYS.publisher).sig;
    world.files.set("timestamp.json", edited(bytes, sig, change(sig)));
  };
}

/** A role for a key that already has another one. */
function doubleRole(role: string, key: KeyPair): (world: World) => void {
  return (world) => {
    nextRoot(world, (root) => {
      part(root, "keys")[idOf(key)] = listed(key);
      (part(root, "roles", role)["keyids"] as string[]).push(idOf(key));
    });
  };
}

export const KEY_ATTACKS: readonly Attack[] = [
  { name: "one key under two ids", attack: alias, expected: "root KEY_INVALID", stock: "accepted" },
  {
    name: "one key under two ids, ids aside",
    attack: alias,
    plain: true,
    expected: "targets SIGNATURES_TOO_FEW",
    stock: "accepted",
  },
  {
    name: "a key under another id than its own",
    attack: (world) => {
      nextRoot(world, council(ALIAS, listed(FIRST), [ALIAS], 1));
      listSignedBy(world, (signed) => [signature(signed, FIRST, ALIAS)]);
    },
    expected: "root KEY_INVALID",
    stock: "accepted",
  },
  {
    name: "one key in two spellings",
    attack: upperCase,
    plain: true,
    expected: "targets SIGNATURES_TOO_FEW",
    stock: "accepted",
  },
  { name: "a small-order key", attack: smallOrder, expected: "root KEY_INVALID", stock: "refused" },
  {
    name: "a small-order key, form aside",
    attack: smallOrder,
    plain: true,
    expected: "targets SIGNATURES_TOO_FEW",
    stock: "refused",
  },
  { name: "one signer under a key and its twin", attack: twins, expected: "root KEY_INVALID", stock: "accepted" },
  {
    name: "one signer under a key and its twin, form aside",
    attack: twins,
    plain: true,
    expected: "targets SIGNATURES_TOO_FEW",
    stock: "accepted",
  },
  {
    name: "an RSA key that calls itself ed25519",
    attack: otherAlgorithm,
    expected: "root KEY_INVALID",
    stock: "accepted",
  },
  {
    name: "an RSA key that calls itself ed25519, form aside",
    attack: otherAlgorithm,
    plain: true,
    expected: "targets SIGNATURES_TOO_FEW",
    stock: "accepted",
  },
  {
    name: "a key of another scheme",
    attack: (world) => {
      nextRoot(world, council(ALIAS, { ...listed(FIRST), scheme: "anything" }, [ALIAS], 1));
      listSignedBy(world, (signed) => [signature(signed, FIRST, ALIAS)]);
    },
    expected: "root KEY_INVALID",
    stock: "accepted",
  },
  {
    name: "a key that is listed and has no role",
    attack: (world) =>
      nextRoot(world, (root) => void (part(root, "keys")[idOf(KEYS.stranger)] = listed(KEYS.stranger))),
    expected: "root KEY_INVALID",
    stock: "accepted",
  },
  {
    name: "the publisher in the council",
    attack: doubleRole("targets", KEYS.publisher),
    expected: "root KEY_INVALID",
    stock: "accepted",
  },
  {
    name: "a breaker in the council",
    attack: doubleRole("targets", KEYS.breaker),
    expected: "root KEY_INVALID",
    stock: "accepted",
  },
  {
    name: "a breaker's key that is none",
    attack: (world) => nextRoot(world, (root) => void (part(root, "moult")["breakers"] = [`${"0".repeat(63)}2`])),
    expected: "root KEY_INVALID",
    stock: "accepted",
  },
  {
    name: "a council member as publisher",
    attack: doubleRole("timestamp", FIRST),
    expected: "root KEY_INVALID",
    stock: "accepted",
  },
  {
    name: "one council key of two",
    attack: (world) => listSignedBy(world, (signed) => [signature(signed, FIRST)]),
    expected: "targets SIGNATURES_TOO_FEW",
    stock: "refused",
  },
  {
    name: "one signature twice",
    attack: (world) => listSignedBy(world, (signed) => [signature(signed, FIRST), signature(signed, FIRST)]),
    expected: "targets FORM_INVALID",
    stock: "refused",
  },
  {
    name: "a list signed by publisher, breaker and stranger",
    attack: (world) =>
      serveTargets(
        world,
        changedTargets(world, () => undefined, [KEYS.publisher, KEYS.breaker, KEYS.stranger]),
      ),
    expected: "targets SIGNATURES_TOO_FEW",
    stock: "refused",
  },
  {
    name: "one member's signature under another's id",
    attack: (world) => listSignedBy(world, (s) => [signature(s, FIRST), signature(s, FIRST, idOf(SECOND))]),
    expected: "targets SIGNATURES_TOO_FEW",
    stock: "refused",
  },
  {
    name: "threshold 0",
    attack: (world) => nextRoot(world, (root) => void (part(root, "roles", "targets")["threshold"] = 0)),
    expected: "root THRESHOLD_INVALID",
    stock: "refused",
  },
  {
    name: "a threshold beyond the keys",
    attack: (world) => nextRoot(world, (root) => void (part(root, "roles", "targets")["threshold"] = 4)),
    expected: "root THRESHOLD_INVALID",
    stock: "refused",
  },
  {
    name: "S plus the group order",
    attack: timestampSignature(malleated),
    expected: "timestamp SIGNATURES_TOO_FEW",
    stock: "refused",
  },
  {
    name: "a truncated signature",
    attack: timestampSignature((sig) => sig.slice(2)),
    expected: "timestamp FORM_INVALID",
    stock: "refused",
  },
  {
    name: "a signature with a tail",
    attack: timestampSignature((sig) => `${sig}zz`),
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a signature with a tail, form aside",
    attack: timestampSignature((sig) => `${sig}zz`),
    plain: true,
    expected: "timestamp SIGNATURES_TOO_FEW",
    stock: "accepted",
  },
  {
    name: "a root without the old quorum",
    attack: (world) =>
      nextRoot(
        world,
        (root) => {
          for (const key of KEYS.root.slice(1)) delete part(root, "keys")[idOf(key)];
          part(root, "keys")[idOf(KEYS.stranger)] = listed(KEYS.stranger);
          part(root, "roles")["root"] = { keyids: [idOf(KEYS.stranger)], threshold: 1 };
          delete part(root, "keys")[idOf(KEYS.root[0] as KeyPair)];
        },
        [KEYS.stranger, KEYS.root[0] as KeyPair],
      ),
    expected: "root SIGNATURES_TOO_FEW",
    stock: "refused",
  },
  {
    name: "a root without its own quorum",
    attack: (world) =>
      nextRoot(world, (root) => {
        part(root, "keys")[idOf(KEYS.stranger)] = listed(KEYS.stranger);
        for (const key of KEYS.root) delete part(root, "keys")[idOf(key)];
        part(root, "roles")["root"] = { keyids: [idOf(KEYS.stranger)], threshold: 1 };
      }),
    expected: "root SIGNATURES_TOO_FEW",
    stock: "refused",
  },
  {
    name: "a root that nobody signed and that costs the library minutes",
    attack: (world) => {
      const keys = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`k${n}`, listed(FIRST)]));
      const signed = { ...signedOf(world.root), version: 2, keys };
      world.files.set("2.root.json", seal(signed, []));
    },
    expected: "root FORM_INVALID",
    stock: "refused",
  },
];
