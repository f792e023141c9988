/** A stream of chance that a seed repeats, whatever machine it runs on. */
import { createHash } from "node:crypto";

const WORDS = 8;

/** Uniform numbers in [0, 1): hashes of the seed and a count, eight numbers a hash. */
export function rollsFrom(seed: number): () => number {
  let count = 0;
  let hash = Buffer.alloc(0);
  return () => {
    const word = count % WORDS;
    if (word === 0) hash = createHash("sha256").update(`${seed} ${count}`).digest();
    count += 1;
    return hash.readUInt32BE(word * 4) / 2 ** 32;
  };
}
