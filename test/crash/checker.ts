/**
 * Whether a slot is whole, from scratch: reads the tree as it lies on the medium, and checks the manifest against the
 * digests that the council's list names, and every file against the manifest. Shares no code with what it checks, on purpose: the
 * paths and the envelope's form are written down here once more.
 */
import { createHash } from "node:crypto";
import { type ImageFolder, type ImageNode, imageAt } from "@moult/simulation";

/** What a slot turned out to hold. */
export type Found =
  /** Nothing stands there. */
  | { readonly kind: "empty" }
  | { readonly kind: "whole"; readonly digest: string }
  | { readonly kind: "broken"; readonly why: string };

interface ManifestPart {
  readonly path: string;
  readonly digest: string;
  readonly length_bytes: number;
  readonly executable: boolean;
}

/** Looks at the slot in `folder`. `approved` are the digests of the manifests that may be there. */
export function inspectSlot(image: ImageFolder, folder: string, approved: ReadonlySet<string>): Found {
  const slot = imageAt(image, folder);
  if (slot === undefined) return { kind: "empty" };
  const envelope = imageAt(image, `${folder}/.moult/signed.json`);
  const stored = imageAt(image, `${folder}/.moult/manifest.json`);
  if (envelope?.kind !== "file" || stored?.kind !== "file") return broken("a document is missing");
  const digest = sha256(stored.bytes);
  if (!approved.has(digest)) return broken("what stands in it was approved by nobody");
  const { payload } = (parse(envelope.bytes) ?? {}) as { payload?: unknown };
  if (payload !== Buffer.from(stored.bytes).toString("base64")) return broken("its envelope holds another manifest");
  const { parts } = parse(stored.bytes) as { parts: readonly ManifestPart[] };
  const why = inspectParts(slot, parts);
  return why === undefined ? { kind: "whole", digest } : broken(why);
}

/** Whether the tree holds exactly these parts; why not, where it does not. */
export function inspectParts(tree: ImageNode, parts: readonly ManifestPart[]): string | undefined {
  const files = new Map(filesOf(tree, ""));
  for (const { path, digest, length_bytes: lengthBytes, executable } of parts) {
    const file = files.get(path);
    if (file?.kind !== "file") return `${path} is missing`;
    if (file.bytes.length !== lengthBytes || sha256(file.bytes) !== digest) return `${path} has other bytes`;
    if (executable && !file.executable) return `${path} cannot be executed`;
    files.delete(path);
  }
  const [extra] = [...files.keys()].filter((path) => !path.startsWith(".moult/"));
  return extra === undefined ? undefined : `${extra} belongs to nothing`;
}

function* filesOf(node: ImageNode, path: string): Generator<[string, ImageNode]> {
  if (node.kind === "file") yield [path, node];
  else for (const [name, child] of node.names) yield* filesOf(child, path === "" ? name : `${path}/${name}`);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Digests by array: most files of most states are the very same arrays. */
const digests = new WeakMap<Uint8Array, string>();

function sha256(bytes: Uint8Array): string {
  const known = digests.get(bytes);
  if (known !== undefined) return known;
  const digest = createHash("sha256").update(bytes).digest("hex");
  digests.set(bytes, digest);
  return digest;
}

function broken(why: string): Found {
  return { kind: "broken", why };
}
