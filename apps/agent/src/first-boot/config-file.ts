/**
 * The configuration before the device's first start: made from the image's template where the vendor put none there, and
 * rid of the enrolment token, which belongs among the device's own files. Every file appears whole or not at all.
 */
import { basename, dirname, join } from "node:path";
import { type Disk, makeFoldersDurably } from "@moult/slots";
import { YAMLError, isMap, parseDocument } from "yaml";

/** As much as a configuration may have, in bytes. */
const CONFIG_BYTES_MAX = 1_048_576;

const TOKEN_KEY = "enrollment_token";

/** Puts the template at `config` where nothing stands. Says whether it did. Throws DiskError. */
export async function ensureConfig(disk: Disk, template: string, config: string): Promise<boolean> {
  if ((await disk.entry(config)) !== undefined) return false;
  const bytes = await disk.read(template, CONFIG_BYTES_MAX);
  if (bytes === undefined) return false;
  await makeFoldersDurably(disk, dirname(config));
  await replaceFile(disk, config, bytes);
  return true;
}

/** A configuration's text, with the token that stands in it and the same text without it. */
export interface SplitConfig {
  /** Empty where there is none. */
  readonly token: string;
  readonly rest: string;
}

/** Separates the token from the rest; comments and order stay. A text that cannot be read is left to the agent's judgement. */
export function splitConfig(text: string): SplitConfig {
  try {
    const document = parseDocument(text);
    const token: unknown = isMap(document.contents) ? document.get(TOKEN_KEY) : undefined;
    if (document.errors.length > 0 || typeof token !== "string" || token === "") return { token: "", rest: text };
    document.delete(TOKEN_KEY);
    return { token, rest: document.toString() };
  } catch (error) {
    if (error instanceof YAMLError) return { token: "", rest: text };
    throw error;
  }
}

/** The configuration's text; undefined where there is none. Throws DiskError. */
export async function readConfig(disk: Disk, config: string): Promise<string | undefined> {
  const bytes = await disk.read(config, CONFIG_BYTES_MAX);
  return bytes && Buffer.from(bytes).toString("utf8");
}

/** Replaces the file, whole or not at all, readable by its owner only. Throws DiskError. */
export async function replaceFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const aside = join(dirname(path), `.${basename(path)}-new`);
  await disk.removeFile(aside);
  const file = await disk.create(aside, "secret");
  try {
    await file.write(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(aside, path);
  await disk.syncFolder(dirname(path));
}
