import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "./encoding.ts";
import { KeyError } from "./errors.ts";
import { memberKey } from "./fixtures.ts";
import { readKeyFile, writeKeyFile } from "./key-file.ts";
import { derivePublicKey, formatPublicKey, generateKey, keyId, parsePublicKey } from "./keys.ts";

function codeOf(act: () => unknown): string {
  try {
    act();
    return "accepted";
  } catch (error) {
    if (error instanceof KeyError) return error.code;
    throw error;
  }
}

describe("keys", () => {
  test("a new key differs from the one before, and fits its public key", () => {
    const [one, two] = [generateKey(), generateKey()];
    expect(toHex(one.privateKey)).not.toBe(toHex(two.privateKey));
    expect(derivePublicKey(one.privateKey)).toEqual(one.publicKey);
  });

  test("an id is the SHA-256 of the raw key", () => {
    // sha256 of 32 zero bytes.
    expect(keyId(new Uint8Array(32))).toBe("66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
  });

  test("public keys are written in one way only", () => {
    const hex = formatPublicKey(memberKey(0).publicKey);
    expect(parsePublicKey(hex)).toEqual(memberKey(0).publicKey);
    for (const wrong of [hex.toUpperCase(), ` ${hex}`, hex.slice(2), `${hex}00`, "", "zz".repeat(32)]) {
      expect(codeOf(() => parsePublicKey(wrong))).toBe("PUBLIC_KEY_INVALID");
    }
    expect(codeOf(() => parsePublicKey(`01${"00".repeat(31)}`))).toBe("PUBLIC_KEY_INVALID");
  });

  test("a private key has 32 bytes", () => {
    for (const length of [0, 31, 33, 64]) {
      expect(codeOf(() => derivePublicKey(new Uint8Array(length)))).toBe("PRIVATE_KEY_INVALID");
      expect(codeOf(() => writeKeyFile(new Uint8Array(length)))).toBe("PRIVATE_KEY_INVALID");
    }
  });
});

describe("key files", () => {
  const { privateKey } = memberKey(3);

  test("are read as they were written, also with other line ends", () => {
    const text = writeKeyFile(privateKey);
    expect(readKeyFile(text)).toEqual(privateKey);
    expect(readKeyFile(`\r\n${text.replaceAll("\n", "\r\n")}`)).toEqual(privateKey);
  });

  test("are what other tools write and read", () => {
    const jwk = createPrivateKey(writeKeyFile(privateKey)).export({ format: "jwk" });
    expect(jwk.d).toBe(Buffer.from(privateKey).toString("base64url"));
    const foreign = generateKeyPairSync("ed25519").privateKey;
    const seed = Buffer.from(foreign.export({ format: "jwk" }).d ?? "", "base64url");
    const text = foreign.export({ format: "pem", type: "pkcs8" });
    expect(toHex(readKeyFile(text))).toBe(seed.toString("hex"));
  });

  test.each([
    ["nothing", ""],
    ["a public key", formatPublicKey(memberKey(3).publicKey)],
    ["another kind of key", generateKeyPairSync("x25519").privateKey.export({ format: "pem", type: "pkcs8" })],
    ["no end", writeKeyFile(memberKey(3).privateKey).split("-----END")[0] ?? ""],
    ["a missing character", writeKeyFile(memberKey(3).privateKey).replace("MC4", "MC")],
    ["too much", `${"\n".repeat(5000)}${writeKeyFile(memberKey(3).privateKey)}`],
  ])("%s is refused, and the message does not tell what was in it", (_, text) => {
    expect(codeOf(() => readKeyFile(text))).toBe("KEY_FILE_INVALID");
    expect(() => readKeyFile(text)).toThrow(/holds no Ed25519 private key/);
  });
});

test("hexadecimal is lowercase and whole", () => {
  expect(fromHex("0g")).toBeUndefined();
  expect(fromHex("0")).toBeUndefined();
  expect(fromHex("AB")).toBeUndefined();
  expect(fromHex("ab")).toEqual(new Uint8Array([0xab]));
});
