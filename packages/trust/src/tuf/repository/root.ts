/**
 * Root metadata in the making: the first root of a network, and each one that follows. What comes out is unsigned; the
 * first is signed by its own root keys, every other by the quorum of the root before it and by its own.
 */
import { NETWORK } from "../form/patterns.ts";
import { TufError } from "../errors.ts";
import { keyObject, tufKeyId } from "../form/ed25519-scheme.ts";
import { type NetworkRoot, readNetworkRoot } from "../form/network-root.ts";
import { formatTime } from "../form/reader.ts";
import { TOP_ROLES } from "../form/root.ts";
import { SPEC_VERSION, readFile, unsignedFile } from "./file.ts";

/** What a root vouches for, but for its version. */
export type RootPlan = Omit<NetworkRoot, "version">;

/** What changes from one root to the next; what is left out stays. A network never changes its id. */
export type RootChange = Partial<Omit<RootPlan, "network">>;

/** The first root of a network, unsigned. Throws TufError where a device would refuse it. */
export function initRoot(plan: RootPlan): Uint8Array {
  if (!NETWORK.test(plan.network)) throw new TufError("FORM_INVALID", "root", "the network has no proper id");
  return rootFile({ ...plan, version: 1 });
}

/** The root that follows `current`, unsigned. Throws TufError where a device would refuse it. */
export function rotateRoot(current: Uint8Array, change: RootChange): Uint8Array {
  // What the time was at the last rotation is no news at this one.
  const { timeMs: _, ...before } = readNetworkRoot(readFile(current, "root"));
  return rootFile({ ...before, ...change, roles: { ...before.roles, ...change.roles }, version: before.version + 1 });
}

function rootFile(root: NetworkRoot): Uint8Array {
  const listed = new Set(TOP_ROLES.flatMap((name) => root.roles[name].keys));
  const role = (name: (typeof TOP_ROLES)[number]) => ({
    keyids: root.roles[name].keys.map(tufKeyId).sort(),
    threshold: root.roles[name].threshold,
  });
  return unsignedFile({
    _type: "root",
    spec_version: SPEC_VERSION,
    version: root.version,
    expires: formatTime(root.expiresMs),
    consistent_snapshot: true,
    keys: Object.fromEntries([...listed].map((key) => [tufKeyId(key), keyObject(key)])),
    roles: Object.fromEntries(TOP_ROLES.map((name) => [name, role(name)])),
    moult: {
      network: root.network,
      breakers: root.breakers.toSorted(),
      server_keys: { active: root.serverKeys.active.toSorted(), backup: root.serverKeys.backup.toSorted() },
      ...(root.timeMs !== undefined && { time: formatTime(root.timeMs) }),
    },
  });
}
