/**
 * Whether a slot is whole, from scratch: reads the tree as it lies on the medium, checks the council's signature with the
 * platform's own cryptography, and every file against what was signed. Shares no code with what it checks, on purpose: the
 * paths and the envelope's form are written down here once more.
 */
import { createHash, createPublicKey, verify } from "node:crypto";
import { type ImageFolder, type ImageNode, imageAt } from "@moult/simulation";

/** What a slot turned out to hold. */
export type Found =
  /** Nothing stands there. */
  | { readonly kind: "empty" }
  | { readonly kind: "whole"; readonly digest: string }
  | { readonly kind: "broken"; readonly why: string };

interface SignedPart {
  readonly path: string;
  readonly digest: string;
  readonly length_bytes: number;
  readonly executable: boolean;
}

interface Signed {
  readonly digest: string;
  readonly manifest: Uint8Array;
  readonly parts: readonly SignedPart[];
}

const TYPE = "application/vnd.moult.build.v1+json";

/** Looks at the slot in `folder`. `key` is the raw Ed25519 key that has to have signed. */
export function inspectSlot(image: ImageFolder, folder: string, key: Uint8Array): Found {
  const slot = imageAt(image, folder);
  if (slot === undefined) return { kind: "empty" };
  const envelope = imageAt(image, `${folder}/.moult/signed.json`);
  const stored = imageAt(image, `${folder}/.moult/manifest.json`);
  if (envelope?.kind !== "file" || stored?.kind !== "file") return broken("a document is missing");
  const signed = open(envelope.bytes, key);
  if (signed === undefined) return broken("what stands in it is signed by nobody");
  if (sha256(stored.bytes) !== signed.digest) return broken("its manifest is not the signed one");
  const why = inspectParts(slot, signed.parts);
  return why === undefined ? { kind: "whole", digest: signed.digest } : broken(why);
}

/** Whether the tree holds exactly these parts; why not, where it does not. */
export function inspectParts(tree: ImageNode, parts: readonly SignedPart[]): string | undefined {
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

/** The same few envelopes are met again and again. */
const opened = new Map<string, Signed | undefined>();

function open(bytes: Uint8Array, key: Uint8Array): Signed | undefined {
  const id = `${sha256(bytes)} ${Buffer.from(key).toString("hex")}`;
  if (!opened.has(id)) opened.set(id, openAnew(bytes, key));
  return opened.get(id);
}

function openAnew(bytes: Uint8Array, raw: Uint8Array): Signed | undefined {
  const envelope = parse(bytes) as { payload?: unknown; signatures?: { sig?: unknown }[] } | undefined;
  if (typeof envelope?.payload !== "string" || !Array.isArray(envelope.signatures)) return undefined;
  const manifest = new Uint8Array(Buffer.from(envelope.payload, "base64"));
  const message = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${manifest.length} `), manifest]);
  const x = Buffer.from(raw).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const isGood = ({ sig }: { sig?: unknown }): boolean =>
    typeof sig === "string" && verify(null, message, key, Buffer.from(sig, "base64"));
  if (!envelope.signatures.some(isGood)) return undefined;
  const { parts } = parse(manifest) as { parts: readonly SignedPart[] };
  return { digest: sha256(manifest), manifest, parts };
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
