/**
 * Who is named in a root: the lists of keys by role, and what a person changes in them. A change that means nothing (a key
 * that is there already, one that is not there) is refused: it is a slip, and a root is not the place for slips.
 */
import type { NetworkRoot, RoleMembers, RootPlan } from "@moult/trust/tuf";
import { wholeNumber } from "../arguments/numbers.ts";
import { parsePair } from "../arguments/pairs.ts";
import { usageError } from "../errors.ts";
import { PIN_ADVICE, readPin, readPublicKey } from "./public-key.ts";

/** Roles as people name them. `server` and `spare` are pins of the coordinator's TLS keys. */
export const ROLES = ["root", "council", "publisher", "breaker", "server", "spare"] as const;

type Role = (typeof ROLES)[number];
type Quorums = "root" | "council" | "publisher";

/** The options as they were given: `ROLE=KEY` and `ROLE=N`. */
export interface RosterOptions {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly quorum: readonly string[];
}

/** What a root says of who is who. */
export type Roster = Pick<RootPlan, "roles" | "breakers" | "serverKeys">;

/** More than any role has; what a root may have at most is judged with the root. */
const QUORUM_MAX = 64;
const QUORUM_ROLES: readonly string[] = ["root", "council", "publisher"];

const NOBODY: Roster = {
  roles: { root: empty(), targets: empty(), snapshot: empty(), timestamp: empty() },
  breakers: [],
  serverKeys: { active: [], backup: [] },
};

/** The first roster of a network. Throws CliError USAGE. */
export function newRoster(options: RosterOptions): Roster {
  const quorums = quorumsOf(options);
  for (const role of ["root", "council"] as const) {
    if (!quorums.has(role)) throw usageError(`How many of the ${role} must sign?`, `Give --quorum ${role}=N.`);
  }
  return changeRoster(NOBODY, { ...options, quorum: ["publisher=1", ...options.quorum] });
}

/** The roster after a change. Throws CliError USAGE. */
export function changeRoster(before: Roster | NetworkRoot, options: RosterOptions): Roster {
  const quorums = quorumsOf(options);
  const dropped = named(options.drop, "--drop");
  const added = named(options.add, "--add");
  const touched = (role: Role): boolean =>
    dropped.has(role) || added.has(role) || (QUORUM_ROLES.includes(role) && quorums.has(role as Quorums));
  const list = (role: Role, keys: readonly string[]): readonly string[] => {
    const rest = new Set(keys);
    for (const key of dropped.get(role) ?? []) {
      if (!rest.delete(key)) throw usageError(`--drop ${role}: ${key} is not among its keys.`);
    }
    for (const key of added.get(role) ?? []) {
      if (rest.has(key)) throw usageError(`--add ${role}: ${key} is among its keys already.`);
      rest.add(key);
    }
    return [...rest].toSorted();
  };
  const members = (role: Quorums, { keys, threshold }: RoleMembers): RoleMembers =>
    touched(role) ? { keys: list(role, keys), threshold: quorums.get(role) ?? threshold } : { keys, threshold };
  const { roles, breakers, serverKeys } = before;
  const after: Roster = {
    roles: {
      root: members("root", roles.root),
      targets: members("council", roles.targets),
      snapshot: members("publisher", roles.snapshot),
      timestamp: members("publisher", roles.timestamp),
    },
    breakers: list("breaker", breakers),
    serverKeys: { active: list("server", serverKeys.active), backup: list("spare", serverKeys.backup) },
  };
  requirePins(after);
  return after;
}

/** Pins and public keys look alike, and devices would turn away from every coordinator if one stood for the other. */
function requirePins({ roles, breakers, serverKeys }: Roster): void {
  const publicKeys = new Set([...Object.values(roles).flatMap(({ keys }) => keys), ...breakers]);
  const wrong = [...serverKeys.active, ...serverKeys.backup].find((pin) => publicKeys.has(pin));
  if (wrong === undefined) return;
  throw usageError(`${wrong} is a member's public key, and no coordinator's pin.`, PIN_ADVICE);
}

function empty(): RoleMembers {
  return { threshold: 0, keys: [] };
}

function named(texts: readonly string[], option: string): ReadonlyMap<Role, readonly string[]> {
  const found = new Map<Role, string[]>();
  for (const text of texts) {
    const [word, value] = parsePair(text, "ROLE=KEY");
    const role = ROLES.find((name) => name === word);
    if (role === undefined) throw usageError(`${option}: "${word}" is no role.`, `The roles are ${ROLES.join(", ")}.`);
    const key = role === "server" || role === "spare" ? readPin(value) : readPublicKey(value);
    found.set(role, [...(found.get(role) ?? []), key]);
  }
  return found;
}

function quorumsOf({ quorum }: RosterOptions): ReadonlyMap<Quorums, number> {
  return new Map(
    quorum.map((text) => {
      const [role, count] = parsePair(text, "ROLE=N");
      if (!QUORUM_ROLES.includes(role)) {
        throw usageError(`--quorum: ${role} has no quorum.`, `These have one: ${QUORUM_ROLES.join(", ")}.`);
      }
      return [role as Quorums, wholeNumber(1, QUORUM_MAX)(count)];
    }),
  );
}
