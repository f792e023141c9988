import { describe, expect, it } from "vitest";
import { type BuildWishes, makeCouncil, makeSignedBuild, offer } from "../testing/signed-build.ts";
import { workIdentityOf } from "./identity.ts";
import { type JudgeInput, judgeBuild } from "./judge.ts";

const council = makeCouncil();

function judge(wishes: BuildWishes, more: Partial<JudgeInput> = {}): string {
  const build = makeSignedBuild(council, wishes);
  const judgement = judgeBuild({
    envelope: build.envelope,
    offered: offer(build, []),
    council,
    network: "test",
    platform: { os: process.platform, arch: process.arch },
    running: { version: "1.0.0", releaseCounter: 1 },
    denied: [],
    ...more,
  });
  return "approved" in judgement ? "approved" : judgement.refused.reason;
}

describe("gate 1 on the device", () => {
  it("approves what a quorum signed for this device", () => {
    expect(judge({})).toBe("approved");
    expect(judge({ manifest: { from_versions: ["0.9.0", "1.0.0"] } })).toBe("approved");
  });

  it("refuses what is not signed by enough distinct members of its own council", () => {
    expect(judge({ signers: 0 })).toBe("NOT_APPROVED");
    expect(judge({ signers: 1 })).toBe("NOT_APPROVED");
    expect(judge({}, { council: makeCouncil() })).toBe("NOT_APPROVED");
    const { envelope } = makeSignedBuild(council, { signers: 1 });
    const document = JSON.parse(new TextDecoder().decode(envelope)) as { signatures: unknown[] };
    const twice = { ...document, signatures: [...document.signatures, ...document.signatures] };
    expect(judge({}, { envelope: new TextEncoder().encode(JSON.stringify(twice)) })).toBe("NOT_APPROVED");
  });

  it("refuses altered bytes, and another build than the one it was offered", () => {
    const other = makeSignedBuild(council, { manifest: { version: "2.0.1" } });
    expect(judge({}, { envelope: other.envelope })).toBe("NOT_APPROVED");
    const altered = other.envelope.slice();
    altered[200] = (altered[200] ?? 0) ^ 1;
    expect(judge({ manifest: { version: "2.0.1" } }, { envelope: altered })).toBe("NOT_APPROVED");
    expect(judge({}, { envelope: new Uint8Array([1, 2, 3]) })).toBe("NOT_APPROVED");
  });

  it.each([
    ["another network", { manifest: { network: "other" } }],
    ["another platform", { manifest: { platform: { os: "plan9", arch: "x64" } } }],
    ["another processor", { manifest: { platform: { os: process.platform, arch: "m68k" } } }],
    ["the counter that runs", { manifest: { release_counter: 1 } }],
    ["other versions to come from", { manifest: { from_versions: ["0.9.0"] } }],
  ] satisfies [string, BuildWishes][])("refuses a build for %s", (_, wishes) => {
    expect(judge(wishes)).toBe("UNSUITABLE");
  });

  it("refuses what it denied, and a manifest of another length than offered", () => {
    const build = makeSignedBuild(council);
    expect(judge({}, { denied: [build.digest] })).toBe("UNSUITABLE");
    expect(judge({}, { offered: { ...offer(build, []), manifestBytes: 1 } })).toBe("UNSUITABLE");
  });
});

describe("a workload's identity", () => {
  const service = { kind: "work-service", command: ["{slot}/work"], health_timeout_ms: 1, soak_ms: 0 } as const;
  const identity = (
    files: Record<string, string>,
    workload: typeof service | { command: string[] } = service,
  ): string =>
    workIdentityOf(makeSignedBuild(council, { files, manifest: { workload: { ...service, ...workload } } }).manifest);

  it("stays the same when only the agent changes, and differs when anything else does", () => {
    const one = identity({ "!work": "w", "agent/agent.mjs": "one" });
    expect(identity({ "agent/agent.mjs": "two", "!work": "w" })).toBe(one);
    expect(identity({ "!work": "v", "agent/agent.mjs": "one" })).not.toBe(one);
    expect(identity({ "!work": "w", "!runtime/node": "another", "agent/agent.mjs": "one" })).not.toBe(one);
    expect(identity({ "!work": "w", "agent/agent.mjs": "one" }, { command: ["{slot}/work", "-v"] })).not.toBe(one);
  });
});
