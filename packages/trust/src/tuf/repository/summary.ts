/**
 * What a person reads before signing: every fact of the file that has consequences, and against the file before it what is
 * new, gone or different. Plain lines, nothing left out silently.
 */
import { digestOf } from "../../digest.ts";
import { type AllowedBuild, readAllowlist } from "../form/allowlist.ts";
import type { MetadataDocument } from "../form/document.ts";
import { readNetworkSnapshot, readNetworkTimestamp } from "../form/freshness.ts";
import { readNetworkRoot } from "../form/network-root.ts";
import { formatTime } from "../form/reader.ts";
import { TOP_ROLES } from "../form/root.ts";
import { readFile } from "./file.ts";

/** Facts by name; what is compared between two files. */
type Facts = ReadonlyMap<string, string>;

/**
 * The lines for `file`; with `previous`, the file of the same kind before it, each changed line begins with `+`, `-` or
 * `~ before → after`. The last line is the digest of the bytes that are signed: members compare it by voice. Throws
 * TufError.
 */
export function summaryOf(file: Uint8Array, previous?: Uint8Array): readonly string[] {
  const document = readFile(file);
  const facts = factsOf(document);
  const before = previous === undefined ? undefined : factsOf(readFile(previous, document.kind));
  return [
    `${document.kind} version ${document.version}`,
    ...(before === undefined ? [...facts].map(([name, value]) => `  ${name}: ${value}`) : compare(before, facts)),
    `signed bytes: ${digestOf(document.message)}`,
  ];
}

function compare(before: Facts, after: Facts): readonly string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].map((name) => {
    const [was, is] = [before.get(name), after.get(name)];
    if (is === undefined) return `- ${name}: ${was}`;
    if (was === undefined) return `+ ${name}: ${is}`;
    return was === is ? `  ${name}: ${is}` : `~ ${name}: ${was} → ${is}`;
  });
}

function factsOf(document: MetadataDocument): Facts {
  const expires: [string, string] = ["expires", formatTime(document.expiresMs)];
  switch (document.kind) {
    case "root":
      return new Map([expires, ...rootFacts(document)]);
    case "targets":
      return new Map([expires, ...allowlistFacts(document)]);
    case "snapshot": {
      const { network, targets } = readNetworkSnapshot(document);
      return new Map([expires, ["network", network], ["allowlist", `version ${targets.version}, ${targets.sha256}`]]);
    }
    case "timestamp": {
      const { network, snapshot, issuedMs, brakes } = readNetworkTimestamp(document);
      const named = `version ${snapshot.version}, ${snapshot.sha256}`;
      return new Map([
        expires,
        ["network", network],
        ["issued", formatTime(issuedMs)],
        ["snapshot", named],
        ...brakes.map((digest): [string, string] => [`brake ${digest}`, "holds"]),
      ]);
    }
  }
}

function rootFacts(document: MetadataDocument): [string, string][] {
  const root = readNetworkRoot(document);
  const roles = TOP_ROLES.flatMap((name): [string, string][] => {
    const { threshold, keys } = root.roles[name];
    const label = name === "targets" ? "council" : name;
    return [
      [`${label} quorum`, `${threshold} of ${keys.length}`],
      ...keys.map((key): [string, string] => [`${label} key ${key}`, "may sign"]),
    ];
  });
  return [
    ["network", root.network],
    ...roles,
    ...root.breakers.map((key): [string, string] => [`breaker key ${key}`, "may brake"]),
    ...root.serverKeys.active.map((pin): [string, string] => [`server key ${pin}`, "in use"]),
    ...root.serverKeys.backup.map((pin): [string, string] => [`server key ${pin}`, "spare"]),
    ...(root.timeMs === undefined ? [] : [["time of devices", formatTime(root.timeMs)] satisfies [string, string]]),
  ];
}

function allowlistFacts(document: MetadataDocument): [string, string][] {
  const list = readAllowlist(document);
  return [
    ["network", list.network],
    ...[...list.builds.values()].map((build): [string, string] => [`build ${build.digest}`, describe(build)]),
    ...list.liftedBrakes.map((digest): [string, string] => [`brake ${digest}`, "lifted"]),
  ];
}

function describe(build: AllowedBuild): string {
  const { cohort } = build;
  const flags = [...build.flags].map(([name, on]) => `${name}=${on}`);
  return [
    `${build.version} for ${build.platform.os}-${build.platform.arch}`,
    `counter ${build.releaseCounter}`,
    `from ${build.fromVersions.length === 0 ? "any version" : build.fromVersions.join(" ")}`,
    ...(flags.length === 0 ? [] : [`flags ${flags.join(" ")}`]),
    cohort === undefined
      ? "everybody at once"
      : cohort.steps.map((s) => `${s.sharePpm / 10_000} % from ${formatTime(s.notBeforeMs)}`).join(", "),
    ...(cohort === undefined ? [] : [`seed ${cohort.seed}`]),
    `rollback to ${build.rollback ?? "nothing"}`,
    `proposal ${build.proposal ?? "none"}`,
    `manifest of ${build.lengthBytes} bytes`,
  ].join("; ");
}
