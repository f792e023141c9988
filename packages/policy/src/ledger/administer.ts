/** What operators and publishers change. Each may be repeated: the second time changes nothing and says the same. */
import type { Brake, Dial, DialSetting, SignedBrake } from "../domain/dial.ts";
import type { Node } from "../domain/node.ts";
import type { Override } from "../domain/override.ts";
import { type Digest, type ListedBuild, type Release, withList } from "../domain/release.ts";
import type { Change, Step } from "./changes.ts";
import type { Ledger } from "./ledger.ts";

/** Makes a release known; its dial stands at nobody. CONFLICT where its version or counter is taken by other builds. */
export function publish(ledger: Ledger, release: Release): Step<Release | "CONFLICT"> {
  const clash = ledger.releases.find(
    (known) => known.version === release.version || known.releaseCounter === release.releaseCounter,
  );
  if (clash === undefined) {
    ledger.releases = [...ledger.releases, release].sort((a, b) => b.releaseCounter - a.releaseCounter);
    return step(release, [{ kind: "release", release }]);
  }
  return step(sameBuilds(clash, release) ? clash : "CONFLICT");
}

/** Takes a release off the list for good. */
export function recall(ledger: Ledger, version: string): Step<Release | "UNKNOWN"> {
  const known = ledger.releases.find((release) => release.version === version);
  if (known === undefined) return step("UNKNOWN");
  if (known.recalled) return step(known);
  const recalled: Release = { ...known, recalled: true };
  ledger.releases = ledger.releases.map((release) => (release === known ? recalled : release));
  return step(recalled, [{ kind: "release", release: recalled }]);
}

/** Takes the council's list: what it says of each build is what holds from now on. Answers the releases that changed by it. */
export function applyList(ledger: Ledger, list: ReadonlyMap<Digest, ListedBuild>): Step<readonly Release[]> {
  const changed: Release[] = [];
  const releases = ledger.releases.map((release) => {
    const listed = withList(release, list);
    if (JSON.stringify(listed) === JSON.stringify(release)) return release;
    changed.push(listed);
    return listed;
  });
  if (changed.length === 0) return step(changed);
  ledger.releases = releases.sort((a, b) => b.releaseCounter - a.releaseCounter);
  return step(
    changed,
    changed.map((release) => ({ kind: "release", release })),
  );
}

/** Takes in which breakers' brakes the council has not lifted. They hold by `now` alone. */
export function setSignedBrakes(ledger: Ledger, brakes: readonly SignedBrake[]): void {
  ledger.signedBrakes = brakes;
}

/** Turns a dial. */
export function setDial(
  ledger: Ledger,
  version: string,
  setting: DialSetting,
  now: number,
  deadlineAtMs?: number,
): Step<Dial | "UNKNOWN"> {
  if (!ledger.releases.some((release) => release.version === version)) return step("UNKNOWN");
  const standing = ledger.dials.get(version);
  const same = standing !== undefined && sameSetting(standing.setting, setting);
  if (same && standing.deadlineAtMs === deadlineAtMs) return step(standing);
  const was = standing?.setting.kind ?? "nobody";
  const dial: Dial = { version, setting, updatedAtMs: now, ...(deadlineAtMs !== undefined && { deadlineAtMs }) };
  ledger.dials.set(version, dial);
  return step(dial, [{ kind: "dial", dial, was }]);
}

/** Pulls the brake or lets it go. */
export function setBrake(ledger: Ledger, engaged: boolean, reason: string, now: number): Step<Brake> {
  if (ledger.brake.engaged === engaged) return step(ledger.brake);
  const brake: Brake = { engaged, reason, updatedAtMs: now };
  ledger.brake = brake;
  return step(brake, [{ kind: "brake", brake }]);
}

/** Lets a node out of quarantine; its boots are watched anew. */
export function readmit(node: Node, reason: string): Step<Node> {
  if (node.quarantine === undefined) return step(node);
  node.quarantine = undefined;
  node.rival = undefined;
  const { nodeId, poolId } = node;
  return step(node, [
    { kind: "readmitted", nodeId, poolId, reason },
    { kind: "node", node },
  ]);
}

/** Lets an override hold. */
export function addOverride(ledger: Ledger, override: Override): Step<Override> {
  ledger.overrides.set(override.overrideId, override);
  return step(override, [{ kind: "override", override }]);
}

/** Ends an override. */
export function endOverride(ledger: Ledger, overrideId: string): Step<void> {
  const override = ledger.overrides.get(overrideId);
  if (override === undefined) return step(undefined);
  ledger.overrides.delete(overrideId);
  return step(undefined, [{ kind: "override-ended", override }]);
}

function step<A>(answer: A, changes: readonly Change[] = []): Step<A> {
  return { answer, changes, effects: [] };
}

function sameSetting(a: DialSetting, b: DialSetting): boolean {
  if (a.kind === "named" && b.kind === "named") {
    const selectors = JSON.stringify(a.selectors) === JSON.stringify(b.selectors);
    return selectors && a.nodes.size === b.nodes.size && [...a.nodes].every((nodeId) => b.nodes.has(nodeId));
  }
  if (a.kind === "share" && b.kind === "share") return a.fraction === b.fraction;
  return a.kind === b.kind;
}

function sameBuilds(a: Release, b: Release): boolean {
  const digests = (release: Release): string =>
    release.builds
      .map((build) => build.digest)
      .sort()
      .join();
  return a.version === b.version && a.releaseCounter === b.releaseCounter && digests(a) === digests(b);
}
