/**
 * Crash-safe builds on a device's disk: the boot record, the slot store, and the decisions on them. All storage goes
 * through the `Disk` port; no other package of Moult is imported, and nothing here knows of coordinators or signatures.
 */
export { clearAbandoned, commitTrial, putOnTrial, revertTrial } from "./boot-changes.ts";
export { type BootDecision, type BootInput, decideBoot } from "./boot-decision.ts";
export {
  type Abandoned,
  type BootRecord,
  type NumberedRecord,
  SLOT_NAMES,
  type SlotName,
  type SlotRef,
  type Trial,
  chooseBootRecord,
  decodeBootRecord,
  encodeBootRecord,
} from "./boot-record.ts";
export { BootRecordFiles } from "./boot-record-files.ts";
export { type Disk, type DiskEntry, DiskError, type DiskErrorCode, type FileMode, type OpenFile } from "./disk.ts";
export { CONTENTS_FILE, MANIFEST_FILE, OWN_FOLDER, SIGNED_FILE, type SlotLayout, slotLayout } from "./layout.ts";
export { PartError, type PartErrorCode, type PartWriter } from "./part-writer.ts";
export { seal, unseal } from "./sealed.ts";
export { type CheckDepth, checkSlot } from "./slot-check.ts";
export { type PartEntry, type SlotContents, decodeContents, encodeContents, readContents } from "./slot-contents.ts";
export { type SlotDocuments, SlotStore } from "./slot-store.ts";
export { type StageInput, type StagePlan, planStage } from "./swap-plan.ts";
export { makeFolders, makeFoldersDurably, removeTree, writeNewFile } from "./tree.ts";
