/**
 * Challenges for devices, without state: random bytes and a time, sealed with a key that only this process knows. A
 * challenge may be answered more than once within its minute; what it opens is harmless to repeat.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock, Random } from "../ports.ts";

/** A device signs at once; a minute covers a slow line. */
const CHALLENGE_TTL_MS = 60_000;
const NONCE_BYTES = 16;
const TIME_BYTES = 8;
const SEAL_BYTES = 32;

/** Gives and checks challenges. */
export interface Challenges {
  readonly give: () => Uint8Array;
  readonly check: (challenge: Uint8Array) => boolean;
}

/** Challenges of this process. After a restart older ones are void, and devices ask for another. */
export function createChallenges(clock: Clock, random: Random): Challenges {
  const key = random.bytes(SEAL_BYTES);
  const seal = (body: Uint8Array): Buffer => createHmac("sha256", key).update(body).digest();
  return {
    give() {
      const body = Buffer.alloc(NONCE_BYTES + TIME_BYTES);
      body.set(random.bytes(NONCE_BYTES));
      body.writeBigUInt64BE(BigInt(clock.now()), NONCE_BYTES);
      return Buffer.concat([body, seal(body)]);
    },
    check(challenge) {
      if (challenge.length !== NONCE_BYTES + TIME_BYTES + SEAL_BYTES) return false;
      const bytes = Buffer.from(challenge);
      const body = bytes.subarray(0, NONCE_BYTES + TIME_BYTES);
      if (!timingSafeEqual(seal(body), bytes.subarray(body.length))) return false;
      const age = clock.now() - Number(body.readBigUInt64BE(NONCE_BYTES));
      return age >= 0 && age <= CHALLENGE_TTL_MS;
    },
  };
}
