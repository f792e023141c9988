/** The demo's council: three members with a key file each, two of whom are a quorum. */
import { writeFile } from "node:fs/promises";
import { type Council as TrustCouncil, formatPublicKey, generateKey, writeKeyFile } from "@moult/trust";
import type { House } from "../harness/house.ts";

/** How many sign. */
const MEMBERS = ["ada", "grace", "hedy"] as const;
const THRESHOLD = 2;

/** The council, and where each member keeps its key. */
export interface Council extends TrustCouncil {
  readonly keyFiles: readonly [string, string, string];
}

/** Makes the keys. A key file is its owner's alone. */
export async function makeCouncil(house: House): Promise<Council> {
  const members = await Promise.all(
    MEMBERS.map(async (name) => {
      const { privateKey, publicKey } = generateKey();
      const file = house.path(`${name}.key`);
      await writeFile(file, writeKeyFile(privateKey), { mode: 0o600 });
      return { file, key: formatPublicKey(publicKey) };
    }),
  );
  const [first, second, third] = members.map(({ file }) => file) as [string, string, string];
  return { threshold: THRESHOLD, keys: members.map(({ key }) => key), keyFiles: [first, second, third] };
}
