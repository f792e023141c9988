/** Adds signatures to a build: with a key, or from envelopes that others made of the same manifest. */
import { digestOf, mergeEnvelopes, parseEnvelope, signManifest } from "@moult/trust";
import { replaceFile } from "../files.ts";
import { buildPaths, checkSameManifest, readManifest, readSigned } from "./build-dir.ts";

/** What is added. */
export interface SignInput {
  readonly privateKey?: Uint8Array | undefined;
  /** Envelopes of others. */
  readonly others?: readonly { readonly path: string; readonly envelope: Uint8Array }[];
}

/** What a folder holds after signing. */
export interface SignedBuild {
  readonly dir: string;
  /** The build's digest. */
  readonly digest: string;
  /** Ids of the keys whose signatures the envelope carries, in its order; not judged here. */
  readonly keyIds: readonly string[];
}

/** Signs or merges, and writes `signed.json`. Repeating it changes nothing. */
export function signBuild(dir: string, input: SignInput): SignedBuild {
  const manifest = readManifest(dir);
  const envelopes: Uint8Array[] = [];
  const before = readSigned(dir);
  if (before !== undefined) envelopes.push(before);
  for (const { path, envelope } of input.others ?? []) {
    checkSameManifest(path, envelope, manifest);
    envelopes.push(envelope);
  }
  const [first, ...rest] = envelopes;
  const merged = first === undefined ? manifest : mergeEnvelopes([first, ...rest]);
  const signed = input.privateKey === undefined ? merged : signManifest(merged, input.privateKey);
  const { signatures } = parseEnvelope(signed);
  replaceFile(buildPaths(dir).signed, signed);
  return { dir, digest: digestOf(manifest), keyIds: [...new Set(signatures.map((signature) => signature.keyId))] };
}
