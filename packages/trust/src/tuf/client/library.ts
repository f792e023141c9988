/**
 * The one door to tuf-js: its trusted set, with a clock that is handed in. The library keeps the order of the workflow,
 * the chain of roots, rollback and expiry; documents come here only after they were bounded, read strictly and found
 * signed. Nothing else imports the library's client.
 */
import { BadVersionError, EqualVersionError, ExpiredMetadataError } from "tuf-js/dist/error.js";
import { TrustedMetadataStore } from "tuf-js/dist/store.js";
import type { MetadataDocument } from "../form/document.ts";
import { TufError, type TufErrorCode } from "../errors.ts";

/** The field in which the library keeps its clock's one reading. */
const CLOCK = "referenceTime";

/** The library's trusted set, that judges expiry by `nowMs`. Throws TufError. */
export class Library {
  readonly #set: TrustedMetadataStore;

  constructor(root: MetadataDocument, nowMs: number) {
    this.#set = guarded(root, () => new TrustedMetadataStore(Buffer.from(root.bytes)));
    // It reads the machine's clock when it is made and has no parameter for another. Should a later version keep it
    // elsewhere, this must be noticed and not be silently without effect.
    if (!(Reflect.get(this.#set, CLOCK) instanceof Date)) {
      throw new TufError("LIBRARY_REFUSED", "root", "the library keeps its clock in another place");
    }
    Reflect.set(this.#set, CLOCK, new Date(nowMs));
  }

  updateRoot(root: MetadataDocument): void {
    guarded(root, () => this.#set.updateRoot(Buffer.from(root.bytes)));
  }

  /** Whether it was newer than what the set has; the same version is not taken, and no error. */
  updateTimestamp(timestamp: MetadataDocument): boolean {
    try {
      guarded(timestamp, () => this.#set.updateTimestamp(Buffer.from(timestamp.bytes)));
      return true;
    } catch (error) {
      if (error instanceof TufError && error.cause instanceof EqualVersionError) return false;
      throw error;
    }
  }

  /** `kept`: it was verified before, so that hashes named since then do not bind it. */
  updateSnapshot(snapshot: MetadataDocument, kept: boolean): void {
    guarded(snapshot, () => this.#set.updateSnapshot(Buffer.from(snapshot.bytes), kept));
  }

  updateTargets(targets: MetadataDocument, parent: string): void {
    guarded(targets, () => this.#set.updateDelegatedTargets(Buffer.from(targets.bytes), targets.role, parent));
  }
}

/** The library's errors are of many classes and none is closed; each becomes one of ours and stays its cause. */
function guarded<T>(document: MetadataDocument, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new TufError(codeOf(error, document), document.role, message, error);
  }
}

function codeOf(error: unknown, { kind }: MetadataDocument): TufErrorCode {
  if (error instanceof ExpiredMetadataError) return "EXPIRED";
  if (error instanceof BadVersionError) return kind === "root" ? "ROOT_NOT_NEXT" : "ROLLED_BACK";
  return "LIBRARY_REFUSED";
}
