/** Holds one disk image, as found after a cut, against what must be true at every instant. */
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { StateFile, deviceLayout, workBuildOf } from "@moult/agent/inside";
import { type BootRecord, BootRecordFiles, type SlotName, slotLayout } from "@moult/slots";
import {
  type DiskState,
  type ImageFolder,
  type ImageNode,
  ModelDisk,
  diskOf,
  imageAt,
  settledImage,
} from "@moult/simulation";
import { APPROVED, BUILDS, type CrashBuild, LAST, buildOf } from "./builds.ts";
import { inspectParts, inspectSlot } from "./checker.ts";
import { type Played, type Seen, play, readBack } from "./play.ts";
import { type Promises, allows, recordText, stateText } from "./promises.ts";
import { isDecided } from "./scenarios.ts";
import type { Pieces } from "./world/device.ts";
import { ROOT } from "./world/settings.ts";

/** What is wrong. `bricked`: nothing whole boots. `stuck`: it boots and never gets on. `broken`: a promise was not kept. */
export interface Flaw {
  readonly kind: "bricked" | "stuck" | "broken";
  readonly why: string;
}

/** Looks at an image without letting an agent run; undefined where all is well. */
export async function judge(image: ImageFolder, promises: Promises, pieces: Pieces): Promise<Flaw | undefined> {
  const model = new ModelDisk(diskOf(image));
  let writes = 0;
  model.onOperation = (what) => void (writes += what.startsWith("sync") ? 0 : 1);
  const disk = pieces.disk(model);
  const records = new BootRecordFiles(disk, slotLayout(ROOT).state);
  const before = await records.read();
  const choose = (): ReturnType<Pieces["choose"]> =>
    pieces.choose({ disk, deviceDir: ROOT, records, say: () => undefined }, undefined, "lengths");
  // The launcher makes its folders before it does anything else.
  const boot = imageAt(image, slotLayout(ROOT).state) === undefined ? undefined : await choose();
  const first = boot ?? (await bootAnew(pieces, model, choose));
  if (first === undefined) return { kind: "bricked", why: "the launcher finds nothing to boot" };
  const { slot, digest, trial } = first.decision;
  const found = inspectSlot(image, slotLayout(ROOT).slot(slot), APPROVED);
  if (found.kind !== "whole") {
    const why = found.kind === "empty" ? "it is empty" : found.why;
    return { kind: "bricked", why: `the launcher boots slot ${slot}, and ${why}` };
  }
  if (found.digest !== digest) return broken(`the launcher takes slot ${slot} for another build than it holds`);
  const kept = judgeCommitted(image, before, first.decision);
  if (kept !== undefined) return kept;
  if (!trial) {
    const writesBefore = writes;
    const again = await choose();
    if (writes !== writesBefore) return broken("the launcher writes though no trial pends");
    if (again?.decision.slot !== slot) return broken("the launcher decides otherwise the second time");
  }
  return (await judgePromises(image, before, promises, pieces)) ?? judgeIdentity(image, promises) ?? judgeWork(image);
}

async function bootAnew(
  pieces: Pieces,
  model: ModelDisk,
  choose: () => ReturnType<Pieces["choose"]>,
): ReturnType<Pieces["choose"]> {
  if ((await model.entry(ROOT)) === undefined) return undefined;
  const { state } = slotLayout(ROOT);
  if ((await model.entry(state)) === undefined) await pieces.disk(model).makeFolder(state);
  return choose();
}

/** What was committed is whole, and runs unless something is on trial. */
function judgeCommitted(
  image: ImageFolder,
  before: BootRecord | undefined,
  decision: { readonly slot: SlotName; readonly digest: string; readonly trial: boolean },
): Flaw | undefined {
  if (before === undefined) return undefined;
  const { committed } = before;
  const found = inspectSlot(image, slotLayout(ROOT).slot(committed.slot), APPROVED);
  if (found.kind !== "whole" || found.digest !== committed.digest) {
    return broken(`the committed slot ${committed.slot} does not hold what was committed any more`);
  }
  if (!decision.trial && decision.digest !== committed.digest) return broken("what was committed was rolled back");
  if (decision.trial && before.trial?.digest !== decision.digest)
    return broken("something is tried that is not on trial");
  return undefined;
}

async function judgePromises(
  image: ImageFolder,
  before: BootRecord | undefined,
  promises: Promises,
  pieces: Pieces,
): Promise<Flaw | undefined> {
  if (!allows(promises.record, recordText(before))) {
    return broken(`the boot record is ${recordText(before)}, not ${promises.record.last}`);
  }
  const disk = pieces.disk(new ModelDisk(diskOf(image)));
  const { durable, damaged } = await new StateFile(disk, deviceLayout(ROOT).stateFile).read();
  if (damaged) return broken("the agent's state cannot be read");
  if (allows(promises.state, stateText(durable))) return undefined;
  return broken(`the agent's state is ${stateText(durable)}, not ${promises.state.last}`);
}

function judgeIdentity(image: ImageFolder, { identity }: Promises): Flaw | undefined {
  if (identity === undefined) return undefined;
  const file = imageAt(image, deviceLayout(ROOT).identityFile);
  if (file?.kind !== "file") return broken("the device's key is gone");
  return publicKeyIn(file.bytes) === identity ? undefined : broken("the device's key is another one");
}

/** A workload's folder is whole or not there: it is started from it without another look. */
function judgeWork(image: ImageFolder): Flaw | undefined {
  const work = imageAt(image, deviceLayout(ROOT).work);
  for (const [identity, tree] of work?.kind === "folder" ? work.names : []) {
    const parts = WORKLOADS.get(identity);
    const why = parts === undefined ? "nobody knows it" : inspectParts(tree, parts);
    if (why !== undefined) return broken(`the folder of a workload is not whole: ${why}`);
  }
  return undefined;
}

/** The parts of each workload, by its identity. */
const WORKLOADS = new Map(
  BUILDS.map(({ manifest }) => [
    workBuildOf(manifest).identity,
    manifest.parts.filter(({ path }) => path !== manifest.agent),
  ]),
);

/** The raw public key in hexadecimal. */
function publicKeyIn(pem: Uint8Array): string | undefined {
  try {
    const { x } = createPublicKey(createPrivateKey(Buffer.from(pem))).export({ format: "jwk" });
    return Buffer.from(x ?? "", "base64url").toString("hex");
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/**
 * Switches the device on after a cut, and wants it to reach the last build, whatever was under way; by way of `targets`, as
 * far as they are neither kept nor given up here yet.
 */
export async function recover(
  start: DiskState,
  promises: Promises | undefined,
  before: Promises,
  targets: readonly CrashBuild[],
  bootId: string,
  pieces: Pieces,
): Promise<{ readonly played: Played; readonly flaw: Flaw | undefined }> {
  const denied = new Set(readBack(before).durable.denied);
  const tempting = [...denied][0];
  const played = await play({
    start,
    ...(promises && { promises }),
    bootId,
    pieces,
    // A coordinator that has forgotten what was reverted here must not get it tried once more.
    wanted: (_, { asks, record, durable }) => {
      const tempted = asks === 1 && tempting !== undefined ? buildOf(tempting) : undefined;
      return tempted ?? targets.find((target) => !isDecided(target, record, durable.denied)) ?? LAST;
    },
    isDone: isArrived,
  });
  return { played, flaw: flawOf(played, denied, before) };
}

function isArrived({ record, durable }: Seen): boolean {
  if (record?.committed.digest !== LAST.digest || record.trial !== undefined) return false;
  return record.abandoned === undefined && durable.move === undefined && durable.outcome === undefined;
}

function flawOf(played: Played, denied: ReadonlySet<string>, before: Promises): Flaw | undefined {
  const { device, failure, promises } = played;
  if (failure !== undefined) {
    const isLoop = failure.startsWith("the goal");
    return isLoop ? { kind: "stuck", why: `${failure}; it started ${device.starts.length} agents` } : broken(failure);
  }
  const { durable } = readBack(promises);
  const trial = readBack(before).record?.trial?.digest;
  for (const digest of denied) {
    if (!durable.denied.includes(digest)) return broken("a build that was given up is not denied any more");
    if (device.pulled.includes(`/v1/manifests/${digest}`)) return broken("a denied build was pulled once more");
    if (trial !== digest && before.record.next.length === 0 && device.starts.includes(digest)) {
      return broken("a denied build was started once more");
    }
  }
  if (before.identity !== undefined && promises.identity !== before.identity) return broken("the device has a new key");
  return judgeEnd(played);
}

/** At the end nothing is left over, and the new slot is whole. */
function judgeEnd({ end, promises, device }: Played): Flaw | undefined {
  const image = settledImage(end);
  const slot = readBack(promises).record?.committed.slot ?? "factory";
  const found = inspectSlot(image, slotLayout(ROOT).slot(slot), APPROVED);
  if (found.kind !== "whole" || found.digest !== LAST.digest) return broken(`slot ${slot} is not whole in the end`);
  const incoming = imageAt(image, `${ROOT}/incoming`);
  // Parts, and beginnings of parts, are dropped by whoever stages; what was staged before the cut leaves them for the next.
  const staged = device.pulled.includes(`/v1/manifests/${LAST.digest}`);
  const left = incoming?.kind === "folder" ? [...incoming.names.keys()] : [];
  if (left.some((name) => staged || !name.startsWith("part-"))) return broken("leftovers were not swept");
  if (!staged) return undefined;
  const parts = imageAt(image, `${ROOT}/parts`);
  const stored = parts?.kind === "folder" ? [...parts.names.keys()] : [];
  const used = usedParts(image);
  const idle = stored.filter((digest) => !used.has(digest));
  return idle.length === 0 ? undefined : broken(`${idle.length} parts that no slot uses were kept`);
}

/** Digests of all files in the slots, from their bytes. */
function usedParts(image: ImageFolder): ReadonlySet<string> {
  const used = new Set<string>();
  const visit = (node: ImageNode): void => {
    if (node.kind === "file") used.add(createHash("sha256").update(node.bytes).digest("hex"));
    else for (const child of node.names.values()) visit(child);
  };
  for (const name of ["factory", "a", "b"] as const) {
    const slot = imageAt(image, slotLayout(ROOT).slot(name));
    if (slot !== undefined) visit(slot);
  }
  return used;
}

function broken(why: string): Flaw {
  return { kind: "broken", why };
}
