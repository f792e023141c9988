/** Where things stand in a device's folder, as far as slots are concerned. */
import { join } from "node:path";
import type { SlotName } from "./boot-record.ts";

/** Paths under one device folder. */
export interface SlotLayout {
  /** Every part once, named by its digest. */
  readonly parts: string;
  /** What is being written, under random names; swept when an agent starts. */
  readonly incoming: string;
  /** The folder of slots a and b. */
  readonly slots: string;
  /** Small files that outlive every slot: the boot record, the device's key, the agent's memory. */
  readonly state: string;
  readonly slot: (name: SlotName) => string;
}

/** The layout under `root`. */
export function slotLayout(root: string): SlotLayout {
  const slots = join(root, "slots");
  return {
    parts: join(root, "parts"),
    incoming: join(root, "incoming"),
    slots,
    state: join(root, "state"),
    slot: (name) => (name === "factory" ? join(root, "factory") : join(slots, name)),
  };
}

/** In each slot, the folder of what is no part. No part's path begins with a dot. */
export const OWN_FOLDER = ".moult";

/** The slot's contents in the form of `slot-contents.ts`. */
export const CONTENTS_FILE: string = join(OWN_FOLDER, "contents");

/** The manifest's bytes as they were signed. */
export const MANIFEST_FILE: string = join(OWN_FOLDER, "manifest.json");

/** The council's envelope. */
export const SIGNED_FILE: string = join(OWN_FOLDER, "signed.json");
