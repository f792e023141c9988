/** Where things stand in a device's folder, as far as slots are concerned. */
import { join } from "node:path";
import type { SlotName } from "./boot-record.ts";

/** Paths under one device folder. */
export interface SlotLayout {
  /** Every part once, named by its digest. */
  readonly parts: string;
  /** What is being written: trees under random names, parts that are not whole yet as `part-{digest}`. */
  readonly incoming: string;
  /** The folder of slots a and b. */
  readonly slots: string;
  /** Small files that outlive every slot: the boot record, the device's key, the agent's memory. */
  readonly state: string;
  readonly slot: (name: SlotName) => string;
  /** A part that is not whole yet. */
  readonly partial: (digest: string) => string;
}

/** The layout under `root`. */
export function slotLayout(root: string): SlotLayout {
  const slots = join(root, "slots");
  const incoming = join(root, "incoming");
  return {
    parts: join(root, "parts"),
    incoming,
    slots,
    state: join(root, "state"),
    slot: (name) => (name === "factory" ? join(root, "factory") : join(slots, name)),
    partial: (digest) => join(incoming, `${PARTIAL_PREFIX}${digest}`),
  };
}

const PARTIAL_PREFIX = "part-";
const PARTIAL_NAME = /^part-([0-9a-f]{64})$/;

/** The digest of the part that is coming in under this name; undefined for any other name. */
export function partialDigestOf(name: string): string | undefined {
  return PARTIAL_NAME.exec(name)?.[1];
}

/** In each slot, the folder of what is no part. No part's path begins with a dot. */
export const OWN_FOLDER = ".moult";

/** The slot's contents in the form of `slot-contents.ts`. */
export const CONTENTS_FILE: string = join(OWN_FOLDER, "contents");

/** The manifest's bytes as they were signed. */
export const MANIFEST_FILE: string = join(OWN_FOLDER, "manifest.json");

/** The council's envelope. */
export const SIGNED_FILE: string = join(OWN_FOLDER, "signed.json");
