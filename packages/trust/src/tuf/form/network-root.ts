/**
 * A root as Moult wants it: Ed25519 keys under their one id, roles that are apart, and what else the root keys vouch for:
 * the network's id, the breakers, and the coordinator keys that devices pin, with a spare.
 */
import { isSoundPublicKey } from "../../ed25519.ts";
import { TufError } from "../errors.ts";
import type { MetadataDocument } from "./document.ts";
import { ED25519, MOULT_SCHEMES, tufKeyId } from "./ed25519-scheme.ts";
import { type RoleKeys, identitiesOf } from "./keys.ts";
import { DIGEST, DIGEST_RULE, NETWORK, NETWORK_RULE } from "./patterns.ts";
import { Reader } from "./reader.ts";
import { type RootForm, TOP_ROLES, type TopRole, readRootForm } from "./root.ts";

/** Breakers in one root, and pins of one kind. */
const LISTED_MAX = 32;

/** One role: how many of which keys. */
export interface RoleMembers {
  readonly threshold: number;
  /** Public keys, 64 hexadecimal digits, sorted. */
  readonly keys: readonly string[];
}

/** What a verified root vouches for. */
export interface NetworkRoot {
  readonly version: number;
  readonly expiresMs: number;
  readonly network: string;
  /** `targets` is the council. */
  readonly roles: Readonly<Record<TopRole, RoleMembers>>;
  /** Public keys of which any one may brake, 64 hexadecimal digits. */
  readonly breakers: readonly string[];
  /** SHA-256 of the coordinator's TLS public keys (SubjectPublicKeyInfo): those in use, and spares that are kept offline. */
  readonly serverKeys: { readonly active: readonly string[]; readonly backup: readonly string[] };
  /**
   * What T is to be, milliseconds since 1970, for devices that come to this root from the one before: the way back after the
   * publisher's key moved T too far. Absent in all other roots.
   */
  readonly timeMs?: number;
}

/** Reads a root. Throws TufError FORM_INVALID, KEY_INVALID, THRESHOLD_INVALID. */
export function readNetworkRoot(document: MetadataDocument): NetworkRoot {
  const reader = new Reader(document.role);
  const signed = reader.object(document.signed, "signed", {
    required: ["_type", "spec_version", "version", "expires", "consistent_snapshot", "keys", "roles", "moult"],
  });
  const form = readRootForm(document, MOULT_SCHEMES);
  if (!form.consistentSnapshot) reader.fail("signed.consistent_snapshot", "is not true");
  requireStrictKeys(document, form, reader);
  const own = reader.object(signed["moult"], "signed.moult", {
    required: ["network", "breakers", "server_keys"],
    optional: ["time"],
  });
  const breakers = reader.strings(own["breakers"], "signed.moult.breakers", LISTED_MAX, DIGEST, DIGEST_RULE);
  // Whoever verifies brakes takes these for keys, on every device and coordinator.
  const unsound = breakers.find((key) => !isSoundPublicKey(Buffer.from(key, "hex")));
  if (unsound !== undefined)
    reader.fail("signed.moult.breakers", `names ${unsound}, which is no sound key`, "KEY_INVALID");
  requireApart(form, breakers, document.role);
  const pins = reader.object(own["server_keys"], "signed.moult.server_keys", { required: ["active", "backup"] });
  const pinList = (kind: "active" | "backup"): readonly string[] =>
    reader.strings(pins[kind], `signed.moult.server_keys.${kind}`, LISTED_MAX, DIGEST, DIGEST_RULE);
  const [active, backup] = [pinList("active"), pinList("backup")];
  // A coordinator whose one key is lost would strand every device; the spare is what they accept then.
  if (active.length > 0 && backup.length === 0) reader.fail("signed.moult.server_keys.backup", "names no spare");
  if (backup.some((pin) => active.includes(pin))) reader.fail("signed.moult.server_keys", "uses a spare already");
  return {
    version: document.version,
    expiresMs: document.expiresMs,
    network: reader.string(own["network"], "signed.moult.network", NETWORK, NETWORK_RULE),
    roles: {
      root: members(form.roles.root, form),
      targets: members(form.roles.targets, form),
      snapshot: members(form.roles.snapshot, form),
      timestamp: members(form.roles.timestamp, form),
    },
    breakers,
    serverKeys: { active, backup },
    ...(own["time"] !== undefined && { timeMs: reader.time(own["time"], "signed.moult.time") }),
  };
}

function requireStrictKeys(document: MetadataDocument, form: RootForm, reader: Reader): void {
  const used = new Set(TOP_ROLES.flatMap((name) => form.roles[name].keyIds));
  const listed = reader.record(document.signed["keys"], "signed.keys", Number.MAX_SAFE_INTEGER);
  for (const [id, item] of Object.entries(listed)) {
    const where = `signed.keys.${id.slice(0, 64)}`;
    const key = reader.object(item, where, { required: ["keytype", "scheme", "keyval"] });
    const value = reader.object(key["keyval"], `${where}.keyval`, { required: ["public"] });
    const sound = form.keys.get(id);
    if (sound === undefined) return reader.fail(where, `is no sound ${ED25519} key`, "KEY_INVALID");
    if (id !== tufKeyId(sound.publicText)) reader.fail(where, "is not under its own id", "KEY_INVALID");
    if (!used.has(id)) reader.fail(where, "has no role", "KEY_INVALID");
    if (typeof value["public"] !== "string") reader.fail(where, "has no public key", "KEY_INVALID");
  }
  for (const name of TOP_ROLES) {
    const role = form.roles[name];
    reader.object(reader.record(document.signed["roles"], "signed.roles", 4)[name], `signed.roles.${name}`, {
      required: ["keyids", "threshold"],
    });
    if (role.keyIds.some((id) => !form.keys.has(id))) {
      reader.fail(`signed.roles.${name}.keyids`, "names a key that is not listed", "KEY_INVALID");
    }
    const distinct = identitiesOf(role, form.keys).size;
    if (role.threshold > distinct) {
      reader.fail(`signed.roles.${name}.threshold`, `is beyond its ${distinct} distinct keys`, "THRESHOLD_INVALID");
    }
  }
}

/** Whoever holds the online publisher's key, or a breaker's, must not thereby be able to approve a build. */
function requireApart(form: RootForm, breakers: readonly string[], role: string): void {
  const keysOf = (name: TopRole): readonly string[] => members(form.roles[name], form).keys;
  const approving = new Set([...keysOf("root"), ...keysOf("targets")]);
  const publishing = [...keysOf("snapshot"), ...keysOf("timestamp")];
  const double = publishing.find((key) => approving.has(key));
  if (double !== undefined) throw apart(role, double, "publishes and approves");
  const braking = breakers.find((key) => approving.has(key) || publishing.includes(key));
  if (braking !== undefined) throw apart(role, braking, "brakes and has another role");
}

function apart(role: string, key: string, what: string): TufError {
  return new TufError("KEY_INVALID", role, `the key ${key} ${what}; these are kept apart`);
}

function members(role: RoleKeys, form: RootForm): RoleMembers {
  return { threshold: role.threshold, keys: role.keyIds.flatMap((id) => form.keys.get(id)?.publicText ?? []).sort() };
}
