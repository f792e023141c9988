/** How far the signing of a file is: which quorums it needs, who signed, and who may still. */
import type { MetadataDocument } from "../form/document.ts";
import { MOULT_SCHEMES } from "../form/ed25519-scheme.ts";
import { type ListedKey, signersOf } from "../form/keys.ts";
import { type RootForm, readRootForm } from "../form/root.ts";
import { TufError } from "../errors.ts";
import { readFile } from "./file.ts";

/** One quorum that a file needs. */
export interface Quorum {
  /** Whose: a role of the trusted root, or `root (new)` for the keys that a new root brings. */
  readonly of: string;
  readonly threshold: number;
  /** Public keys, 64 hexadecimal digits, sorted. */
  readonly signed: readonly string[];
  readonly missing: readonly string[];
}

/** What a file still needs. */
export interface SigningProgress {
  readonly quorums: readonly Quorum[];
  /** Key ids of signatures that count for nothing: of strangers, or wrong. Sorted. */
  readonly useless: readonly string[];
  readonly complete: boolean;
}

/**
 * The progress of `file`, judged by the root before it: for a root that is the one it follows (none for the first), for
 * every other file the newest root. Throws TufError; ROOT_NOT_NEXT where a root does not follow the one given.
 */
export function progressOf(file: Uint8Array, trustedRoot?: Uint8Array): SigningProgress {
  const document = readFile(file);
  const trusted = trustedRoot === undefined ? undefined : readFile(trustedRoot, "root");
  const quorums: { of: string; form: RootForm }[] = [];
  if (document.kind === "root") {
    if (document.version !== (trusted?.version ?? 0) + 1) {
      throw new TufError("ROOT_NOT_NEXT", "root", "this is not the root that follows the one given");
    }
    quorums.push({ of: "root (new)", form: readRootForm(document, MOULT_SCHEMES) });
  }
  if (trusted !== undefined) quorums.push({ of: document.role, form: readRootForm(trusted, MOULT_SCHEMES) });
  if (quorums.length === 0) throw new TufError("NOT_FOUND", document.role, "it is judged by a root, and none is given");
  const known = new Set<string>();
  const judged = quorums.map(({ of, form }) => judge(document, of, form, known));
  return {
    quorums: judged,
    useless: document.signatures.flatMap((s) => (known.has(s.keyId) ? [] : s.keyId)).sort(),
    complete: judged.every((quorum) => quorum.signed.length >= quorum.threshold),
  };
}

function judge(document: MetadataDocument, of: string, form: RootForm, known: Set<string>): Quorum {
  const role = form.roles[document.kind];
  const signers = signersOf(document, role, form.keys);
  const listed = role.keyIds.flatMap((id): (ListedKey & { id: string })[] => {
    const key = form.keys.get(id);
    return key === undefined ? [] : [{ ...key, id }];
  });
  const [signed, missing] = [true, false].map((did) => listed.filter((key) => signers.has(key.identity) === did));
  for (const key of signed ?? []) known.add(key.id);
  const texts = (keys: readonly ListedKey[] | undefined): string[] => (keys ?? []).map((k) => k.publicText).sort();
  return { of, threshold: role.threshold, signed: texts(signed), missing: texts(missing) };
}
