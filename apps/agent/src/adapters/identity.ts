/**
 * The device's key: made on the first start, kept outside every slot, never in an image. It proves to coordinators that
 * this is the same device as before; it approves nothing.
 */
import { type KeyObject, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { dirname, join } from "node:path";
import { type Disk, makeFoldersDurably } from "@moult/slots";

/** What a device can do with its key. */
export interface Identity {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** An Ed25519 signature, 64 bytes. */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

/** A PEM file has some 120 bytes. */
const FILE_BYTES_MAX = 4_096;

/** The device's identity, made now where there is none. `fresh` says that it was. */
export async function openIdentity(
  disk: Disk,
  path: string,
): Promise<{ readonly identity: Identity; readonly fresh: boolean }> {
  await makeFoldersDurably(disk, dirname(path));
  const bytes = await disk.read(path, FILE_BYTES_MAX);
  const stored = bytes && parse(bytes);
  if (stored !== undefined) {
    // Whoever made the key may have been killed before its name was safe; from here on coordinators will know it.
    await disk.syncFolder(dirname(path));
    return { identity: identityOf(stored), fresh: false };
  }
  // A key that cannot be read is kept aside for whoever wants to look; the device becomes a new node.
  if (bytes !== undefined) await disk.rename(path, `${path}.unreadable`);
  const { privateKey } = generateKeyPairSync("ed25519");
  await store(disk, path, privateKey);
  return { identity: identityOf(privateKey), fresh: true };
}

function parse(bytes: Uint8Array): KeyObject | undefined {
  try {
    const key = createPrivateKey(Buffer.from(bytes));
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

async function store(disk: Disk, path: string, key: KeyObject): Promise<void> {
  const aside = join(dirname(path), ".identity-new");
  await disk.removeFile(aside);
  const file = await disk.create(aside, "secret");
  try {
    await file.write(Buffer.from(key.export({ type: "pkcs8", format: "pem" })));
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(aside, path);
  await disk.syncFolder(dirname(path));
}

function identityOf(privateKey: KeyObject): Identity {
  const jwk = createPublicKey(privateKey).export({ format: "jwk" });
  const publicKey = new Uint8Array(Buffer.from(jwk.x ?? "", "base64url"));
  return { publicKey, sign: (message) => new Uint8Array(sign(null, message, privateKey)) };
}
