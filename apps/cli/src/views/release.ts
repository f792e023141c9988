/** Releases for people. */
import type { Build, Release } from "@moult/contracts/v1";
import { idOf } from "../arguments/names.ts";
import type { Style } from "../output/style.ts";
import { type Cell, renderPairs, renderTable } from "../output/table.ts";
import { formatBytes, printable, shortDigest } from "../output/text.ts";
import { relative } from "./time.ts";

/** One line a release. */
export function releaseTable(releases: readonly Release[], style: Style, nowMs: number): string {
  const rows = releases.map((release): readonly Cell[] => [
    printable(idOf(release.name)),
    String(release.releaseCounter),
    release.builds.map(platformOf).join(" "),
    release.recalled ? { text: "recalled", tone: "bad" } : "listed",
    relative(release.createTime, nowMs),
  ]);
  const head = ["RELEASE", "COUNTER", "PLATFORMS", "ALLOWLIST", "PUBLISHED"];
  return renderTable({ head, rows }, style, "No releases. Publish one with: moult release publish DIR");
}

/** One release with its builds and their parts. */
export function releaseDetail(release: Release, style: Style, nowMs: number): string {
  const head = renderPairs(
    [
      ["release", printable(idOf(release.name))],
      ["counter", String(release.releaseCounter)],
      ["allowlist", release.recalled ? { text: "recalled", tone: "bad" } : "listed"],
      ["published", relative(release.createTime, nowMs)],
    ],
    style,
  );
  return [head, ...release.builds.map((build) => buildDetail(build, style))].join("\n");
}

function buildDetail(build: Build, style: Style): string {
  const head = renderPairs(
    [
      ["platform", platformOf(build)],
      ["digest", printable(build.digest)],
      ["from versions", build.fromVersions.length === 0 ? "any" : printable(build.fromVersions.join(" "))],
      ["signed by", printable(build.signedBy.map((id) => id.slice(0, 12)).join(" "))],
    ],
    style,
  );
  const rows = build.parts.map((part) => [
    printable(part.path),
    formatBytes(Number(part.lengthBytes)),
    shortDigest(part.digest),
  ]);
  return head + renderTable({ head: ["PART", "LENGTH", "DIGEST"], rows }, style, "No parts.");
}

function platformOf(build: Build): string {
  return printable(`${build.platform?.os ?? "?"}-${build.platform?.arch ?? "?"}`);
}
