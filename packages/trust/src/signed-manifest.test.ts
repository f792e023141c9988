import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Council } from "./council.ts";
import { digestOf } from "./digest.ts";
import { ENVELOPE_BYTES_MAX, PAYLOAD_TYPE, formatEnvelope, parseEnvelope, signedBytes } from "./dsse.ts";
import { sign } from "./ed25519.ts";
import { ManifestError, TrustError } from "./errors.ts";
import { GOOD_MANIFEST, councilOf, jsonBytes, memberKey } from "./fixtures.ts";
import { keyId } from "./keys.ts";
import { mergeEnvelopes, signManifest, verifySignedManifest } from "./signed-manifest.ts";

const MANIFEST = jsonBytes(GOOD_MANIFEST);
const COUNCIL = councilOf(2, 3);

function signedBy(...members: number[]): Uint8Array {
  return members.reduce((bytes, n) => signManifest(bytes, memberKey(n).privateKey), MANIFEST);
}

function outcome(envelope: Uint8Array, council: Council = COUNCIL): string {
  try {
    verifySignedManifest(envelope, council);
    return "approved";
  } catch (error) {
    if (error instanceof TrustError) return error.code;
    throw error;
  }
}

/** The envelope as a document, changed. */
function altered(envelope: Uint8Array, change: (document: Document) => unknown): Uint8Array {
  const document = JSON.parse(new TextDecoder().decode(envelope)) as Document;
  return jsonBytes(change(document) ?? document);
}
interface Document {
  payloadType: string;
  payload: string;
  signatures: { keyid: string; sig: string }[];
}

describe("a quorum", () => {
  test("approves, and says what and by whom", () => {
    const verified = verifySignedManifest(signedBy(2, 0), COUNCIL);
    expect(verified.bytes).toEqual(MANIFEST);
    expect(verified.digest).toBe(digestOf(MANIFEST));
    expect(verified.manifest).toEqual(GOOD_MANIFEST);
    expect(verified.signedBy).toEqual([memberKey(0), memberKey(2)].map((key) => keyId(key.publicKey)).sort());
  });

  test("one short is told who signed", () => {
    expect(() => verifySignedManifest(signedBy(1), COUNCIL)).toThrow(
      expect.objectContaining({ code: "SIGNATURES_TOO_FEW", signedBy: [keyId(memberKey(1).publicKey)] }),
    );
  });

  test("is counted by distinct keys of the council that verify, whatever else is there", () => {
    const member = fc.nat({ max: 5 });
    fc.assert(
      fc.property(
        fc.array(member, { maxLength: 5 }),
        fc.array(member, { maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (good, bad, threshold) => {
          const wrong = sign(Buffer.from("something else"), memberKey(0).privateKey);
          const message = signedBytes(MANIFEST);
          const envelope = formatEnvelope({
            unverifiedPayload: MANIFEST,
            signatures: [
              ...bad.map((n) => ({ keyId: keyId(memberKey(n).publicKey), signature: wrong })),
              ...good.map((n) => ({
                keyId: keyId(memberKey(n).publicKey),
                signature: sign(message, memberKey(n).privateKey),
              })),
            ],
          });
          const distinct = new Set(good.filter((n) => n < 4)).size;
          expect(outcome(envelope, councilOf(threshold, 4))).toBe(
            distinct >= threshold ? "approved" : "SIGNATURES_TOO_FEW",
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a key under another one's id does not count", () => {
    const relabelled = altered(signedBy(0, 1), (d) => {
      const [first, second] = d.signatures;
      if (first && second) second.keyid = first.keyid;
    });
    expect(outcome(relabelled)).toBe("SIGNATURES_TOO_FEW");
    const twice = altered(signedBy(0), (d) => {
      const [first] = d.signatures;
      if (first) d.signatures.push({ ...first, keyid: keyId(memberKey(1).publicKey) });
    });
    expect(outcome(twice)).toBe("SIGNATURES_TOO_FEW");
  });

  test("one member who signs twice, and is listed twice, is one", () => {
    const council = { threshold: 2, keys: [...COUNCIL.keys, ...COUNCIL.keys] };
    const doubled = altered(signedBy(0), (d) => ({ ...d, signatures: [...d.signatures, ...d.signatures] }));
    expect(outcome(doubled, council)).toBe("SIGNATURES_TOO_FEW");
    expect(outcome(signedBy(0, 0, 0), council)).toBe("SIGNATURES_TOO_FEW");
  });

  test("a signature over the bare bytes, or as another type, does not count", () => {
    const key = memberKey(0);
    for (const message of [
      MANIFEST,
      Buffer.from(`DSSEv1 1 x ${MANIFEST.length} ${new TextDecoder().decode(MANIFEST)}`),
    ]) {
      const signatures = [{ keyId: keyId(key.publicKey), signature: sign(message, key.privateKey) }];
      const envelope = formatEnvelope({ unverifiedPayload: MANIFEST, signatures });
      expect(outcome(envelope, councilOf(1, 1))).toBe("SIGNATURES_TOO_FEW");
    }
  });

  test("the council itself is checked first", () => {
    expect(outcome(signedBy(0, 1), { threshold: 0, keys: COUNCIL.keys })).toBe("COUNCIL_INVALID");
    expect(outcome(signedBy(0, 1), { threshold: 2, keys: [`01${"00".repeat(31)}`] })).toBe("COUNCIL_INVALID");
  });

  test("does not make a broken manifest good", () => {
    const payload = jsonBytes({ ...GOOD_MANIFEST, extra: 1 });
    const signatures = [0, 1].map((n) => ({
      keyId: keyId(memberKey(n).publicKey),
      signature: sign(signedBytes(payload), memberKey(n).privateKey),
    }));
    const envelope = formatEnvelope({ unverifiedPayload: payload, signatures });
    expect(() => verifySignedManifest(envelope, COUNCIL)).toThrow(
      expect.objectContaining({ code: "MANIFEST_INVALID", cause: expect.any(ManifestError) }),
    );
  });
});

test("any flipped bit of payload or signature never verifies to the quorum", () => {
  const envelope = parseEnvelope(signedBy(0, 1));
  fc.assert(
    fc.property(fc.constantFrom(undefined, 0, 1), fc.nat(), (where, at) => {
      const payload = Uint8Array.from(envelope.unverifiedPayload);
      const signatures = envelope.signatures.map((s) => ({ ...s, signature: Uint8Array.from(s.signature) }));
      const target = where === undefined ? payload : (signatures[where]?.signature ?? payload);
      const bit = at % (target.length * 8);
      target[bit >> 3] = (target[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(outcome(formatEnvelope({ unverifiedPayload: payload, signatures }))).toBe("SIGNATURES_TOO_FEW");
    }),
    { numRuns: 100 },
  );
});

test("any altered byte of an envelope is refused or changes nothing that was signed", () => {
  const envelope = signedBy(0, 1);
  fc.assert(
    fc.property(fc.nat({ max: envelope.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const spoiled = Uint8Array.from(envelope);
      spoiled[at] = (spoiled[at] ?? 0) ^ change;
      try {
        expect(verifySignedManifest(spoiled, COUNCIL).bytes).toEqual(MANIFEST); // White space was altered.
      } catch (error) {
        expect(error).toBeInstanceOf(TrustError);
      }
    }),
    { numRuns: 100 },
  );
});

describe("an envelope that is malformed", () => {
  const good = signedBy(0, 1);
  const sig = (d: Document): { keyid: string; sig: string } => d.signatures[0] ?? { keyid: "", sig: "" };
  test.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["no JSON", Buffer.from("-----BEGIN")],
    ["a manifest alone", MANIFEST],
    ["too large", new Uint8Array(ENVELOPE_BYTES_MAX + 1).fill(0x20)],
    ["another type", altered(good, (d) => ({ ...d, payloadType: "application/vnd.moult.brake.v1+json" }))],
    ["an extra key", altered(good, (d) => ({ ...d, extra: 1 }))],
    ["no payload", altered(good, (d) => ({ payloadType: d.payloadType, signatures: d.signatures }))],
    ["payload in base64url", altered(good, (d) => ({ ...d, payload: "-_-_" }))],
    ["payload with a line break", altered(good, (d) => ({ ...d, payload: `${d.payload}\n` }))],
    ["payload without padding", altered(good, (d) => ({ ...d, payload: "YQ" }))],
    ["payload with unused bits", altered(good, (d) => ({ ...d, payload: "YR==" }))],
    ["signatures that are no list", altered(good, (d) => ({ ...d, signatures: {} }))],
    ["a signature that is none", altered(good, (d) => ({ ...d, signatures: [null] }))],
    ["65 signatures", altered(good, (d) => ({ ...d, signatures: Array.from({ length: 65 }, () => sig(d)) }))],
    ["a truncated signature", altered(good, (d) => void (sig(d).sig = sig(d).sig.slice(0, 84)))],
    ["a key id in capitals", altered(good, (d) => void (sig(d).keyid = sig(d).keyid.toUpperCase()))],
    ["a key id that is short", altered(good, (d) => void (sig(d).keyid = "00"))],
    ["a signature with more", altered(good, (d) => ({ ...d, signatures: [{ ...sig(d), cert: "" }] }))],
  ])("%s", (_, bytes) => {
    expect(outcome(bytes)).toBe("ENVELOPE_INVALID");
  });
});

describe("signing", () => {
  test("follows DSSE to the byte", () => {
    const expected = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} 5 hello`;
    expect(new TextDecoder().decode(signedBytes(Buffer.from("hello")))).toBe(expected);
  });

  test("twice with one key changes nothing", () => {
    expect(signedBy(0, 1, 1)).toEqual(signedBy(0, 1));
  });

  test("refuses what would be refused later", () => {
    const key = memberKey(0).privateKey;
    expect(() => signManifest(jsonBytes({ ...GOOD_MANIFEST, extra: 1 }), key)).toThrow(ManifestError);
    expect(() => signManifest(MANIFEST, key.slice(1))).toThrow(
      expect.objectContaining({ code: "PRIVATE_KEY_INVALID" }),
    );
  });

  test("apart, and merged, is as good as one after the other", () => {
    expect(outcome(mergeEnvelopes([signedBy(0), signedBy(1)]))).toBe("approved");
    expect(mergeEnvelopes([signedBy(0, 1), signedBy(1), signedBy(0)])).toEqual(signedBy(0, 1));
  });

  test("a bad signature does not displace a good one in a merge", () => {
    const spoiled = altered(signedBy(0), (d) => ({
      ...d,
      signatures: d.signatures.map((s) => ({ ...s, sig: Buffer.alloc(64).toString("base64") })),
    }));
    expect(outcome(mergeEnvelopes([signedBy(0, 1), spoiled]))).toBe("approved");
    expect(outcome(mergeEnvelopes([spoiled, signedBy(0, 1)]))).toBe("approved");
  });

  test("different builds are not merged", () => {
    const other = signManifest(jsonBytes({ ...GOOD_MANIFEST, version: "3" }), memberKey(1).privateKey);
    expect(() => mergeEnvelopes([signedBy(0), other])).toThrow(expect.objectContaining({ code: "ENVELOPE_INVALID" }));
  });
});
