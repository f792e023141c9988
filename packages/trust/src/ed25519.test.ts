import { createHash, createPrivateKey, createPublicKey, sign as nodeSign, verify as nodeVerify } from "node:crypto";
import { Point, verify as looseVerify } from "@noble/ed25519";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSoundPublicKey, publicKeyOf, sign, verifyStrict } from "./ed25519.ts";
import { fromHex, toHex } from "./encoding.ts";
import { memberKey } from "./fixtures.ts";
import { writeKeyFile } from "./key-file.ts";

const GROUP_ORDER = Point.CURVE().n;
const FIELD_PRIME = Point.CURVE().p;
const EMPTY = new Uint8Array();

function bytes(hex: string): Uint8Array {
  const read = fromHex(hex);
  if (read === undefined) throw new Error(`not hexadecimal: ${hex}`);
  return read;
}

/** 32 bytes, little-endian. */
function encode(y: bigint, sign = 0): Uint8Array {
  const encoded = bytes(y.toString(16).padStart(64, "0")).toReversed();
  encoded[31] = (encoded[31] ?? 0) | (sign << 7);
  return encoded;
}

function decode(encoded: Uint8Array): bigint {
  return BigInt(`0x${toHex(encoded.toReversed())}`);
}

/** What a signer can make who does not follow the rules: R and the key are encoded as the signer likes. */
function craft(message: Uint8Array, seed: Uint8Array, key: Uint8Array, r: bigint, encodedR: Uint8Array): Uint8Array {
  const scalar = createHash("sha512").update(seed).digest().subarray(0, 32);
  scalar[0] = (scalar[0] ?? 0) & 248;
  scalar[31] = ((scalar[31] ?? 0) & 127) | 64;
  const k = decode(createHash("sha512").update(encodedR).update(key).update(message).digest());
  return new Uint8Array([...encodedR, ...encode((r + k * decode(scalar)) % GROUP_ORDER)]);
}

/** All eight points whose order divides the cofactor, found by multiplying points by the group order. */
function torsionPoints(): Point[] {
  for (let y = 2n; ; y += 1n) {
    let point: Point;
    try {
      point = Point.fromBytes(encode(y), false);
    } catch {
      continue; // Half of all y belong to no point.
    }
    const torsion = point.multiply(GROUP_ORDER - 1n, false).add(point);
    const multiples = [Point.ZERO];
    for (let p = torsion; !p.is0(); p = p.add(torsion)) multiples.push(p);
    if (multiples.length === 8) return multiples;
  }
}

describe("RFC 8032 vectors", () => {
  test.each([
    [
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
  ])("%s", (seed, publicKey, message, signature) => {
    expect(toHex(publicKeyOf(bytes(seed)))).toBe(publicKey);
    expect(toHex(sign(bytes(message), bytes(seed)))).toBe(signature);
    expect(verifyStrict(bytes(signature), bytes(message), bytes(publicKey))).toBe(true);
  });
});

test("agrees with the platform's own Ed25519", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array(), (seed, message) => {
      const native = createPrivateKey(writeKeyFile(seed));
      expect(verifyStrict(new Uint8Array(nodeSign(null, message, native)), message, publicKeyOf(seed))).toBe(true);
      expect(nodeVerify(null, message, createPublicKey(native), sign(message, seed))).toBe(true);
    }),
    { numRuns: 20 },
  );
});

describe("keys nobody should sign with", () => {
  const torsion = torsionPoints();

  test("the eight small-order points, the identity among them", () => {
    expect(torsion.map((p) => p.toHex())).toContain(Point.ZERO.toHex());
    for (const point of torsion) {
      const key = point.toBytes();
      expect(isSoundPublicKey(key)).toBe(false);
      // R = [S]B with S = 0 satisfies the bare equation for these keys, whatever the message.
      const forged = new Uint8Array(64);
      forged.set(Point.ZERO.toBytes());
      expect(verifyStrict(forged, Buffer.from("anything"), key)).toBe(false);
      expect(looseVerify(forged, Buffer.from("anything"), key)).toBe(true);
    }
  });

  test("a key with a small-order component, which would give one signer eight keys", () => {
    const { privateKey, publicKey } = memberKey(0);
    expect(isSoundPublicKey(publicKey)).toBe(true);
    const message = Buffer.from("message");
    for (const point of torsion.slice(1)) {
      const twin = Point.fromBytes(publicKey).add(point).toBytes();
      expect(toHex(twin)).not.toBe(toHex(publicKey));
      expect(isSoundPublicKey(twin)).toBe(false);
      const forged = craft(message, privateKey, twin, 7n, Point.BASE.multiply(7n).toBytes());
      expect(verifyStrict(forged, message, twin)).toBe(false);
      expect(looseVerify(forged, message, twin, { zip215: false })).toBe(true);
    }
  });

  test.each([
    ["y = p, another encoding of y = 0", encode(FIELD_PRIME)],
    ["y = p + 1, another encoding of the identity", encode(FIELD_PRIME + 1n)],
    ["x = 0 with its sign set", encode(1n, 1)],
    ["no point at all", encode(2n)],
    ["all ones", new Uint8Array(32).fill(0xff)],
    ["31 bytes", memberKey(0).publicKey.slice(1)],
    ["33 bytes", new Uint8Array([...memberKey(0).publicKey, 0])],
    ["nothing", EMPTY],
  ])("%s", (_, key) => {
    expect(isSoundPublicKey(key)).toBe(false);
  });
});

describe("signatures", () => {
  const { privateKey, publicKey } = memberKey(0);
  const message = Buffer.from("message");
  const signature = sign(message, privateKey);

  test("R in another encoding of the same point", () => {
    const canonical = craft(message, privateKey, publicKey, 0n, encode(1n));
    const other = craft(message, privateKey, publicKey, 0n, encode(FIELD_PRIME + 1n));
    expect(verifyStrict(canonical, message, publicKey)).toBe(true);
    expect(verifyStrict(other, message, publicKey)).toBe(false);
    expect(looseVerify(other, message, publicKey)).toBe(true);
  });

  test("S plus the group order is the same number and not the same signature", () => {
    const s = decode(signature.slice(32));
    const malleated = new Uint8Array([...signature.slice(0, 32), ...encode(s + GROUP_ORDER)]);
    expect(verifyStrict(signature, message, publicKey)).toBe(true);
    expect(verifyStrict(malleated, message, publicKey)).toBe(false);
  });

  test.each([0, 1, 32, 63, 65])("%i bytes are none", (length) => {
    const wrong = new Uint8Array(length);
    wrong.set(signature.slice(0, length));
    expect(verifyStrict(wrong, message, publicKey)).toBe(false);
  });

  test("any flipped bit of signature, message or key spoils it", () => {
    fc.assert(
      fc.property(fc.constantFrom("signature", "message", "key"), fc.nat(), (what, at) => {
        const parts = { signature: Uint8Array.from(signature), message: Uint8Array.from(message), key: publicKey };
        parts.key = Uint8Array.from(publicKey);
        const target = parts[what];
        const bit = at % (target.length * 8);
        target[bit >> 3] = (target[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(verifyStrict(parts.signature, parts.message, parts.key)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});
