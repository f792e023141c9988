/** A root in TUF's general form: keys, and the four roles. What Moult wants of a root beyond that is in `network-root`. */
import type { MetadataDocument } from "./document.ts";
import { type ListedKey, type RoleKeys, type Schemes, readKeys, readRole } from "./keys.ts";
import { Reader } from "./reader.ts";

/** The four roles that every root has. */
export const TOP_ROLES = ["root", "targets", "snapshot", "timestamp"] as const;

/** One of the four. */
export type TopRole = (typeof TOP_ROLES)[number];

/** Who may sign for what. */
export interface RootForm {
  readonly keys: ReadonlyMap<string, ListedKey>;
  readonly roles: Readonly<Record<TopRole, RoleKeys>>;
  /** Whether the names of other files begin with their version. */
  readonly consistentSnapshot: boolean;
}

/** Reads a root. Throws TufError FORM_INVALID, THRESHOLD_INVALID. */
export function readRootForm(document: MetadataDocument, schemes: Schemes): RootForm {
  const reader = new Reader(document.role);
  const fields = reader.object(document.signed, "signed", { required: ["keys", "roles"], others: true });
  // A root with other roles is nothing this code knows how to honour; the specification names these four.
  const roles = reader.object(fields["roles"], "signed.roles", { required: TOP_ROLES });
  const role = (name: TopRole): RoleKeys => readRole(roles[name], `signed.roles.${name}`, reader);
  return {
    keys: readKeys(fields["keys"], "signed.keys", reader, schemes),
    roles: { root: role("root"), targets: role("targets"), snapshot: role("snapshot"), timestamp: role("timestamp") },
    consistentSnapshot: reader.boolean(fields["consistent_snapshot"], "signed.consistent_snapshot"),
  };
}
