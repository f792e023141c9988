import { describe, expect, it } from "vitest";
import { makeTestBuild } from "../testing/test-build.ts";
import { workIdentityOf } from "./identity.ts";

describe("a workload's identity", () => {
  const service = { kind: "work-service", command: ["{slot}/work"], health_timeout_ms: 1, soak_ms: 0 } as const;
  const identity = (
    files: Record<string, string>,
    workload: typeof service | { command: string[] } = service,
  ): string => workIdentityOf(makeTestBuild({ files, manifest: { workload: { ...service, ...workload } } }).manifest);

  it("stays the same when only the agent changes, and differs when anything else does", () => {
    const one = identity({ "!work": "w", "agent/agent.mjs": "one" });
    expect(identity({ "agent/agent.mjs": "two", "!work": "w" })).toBe(one);
    expect(identity({ "!work": "v", "agent/agent.mjs": "one" })).not.toBe(one);
    expect(identity({ "!work": "w", "!runtime/node": "another", "agent/agent.mjs": "one" })).not.toBe(one);
    expect(identity({ "!work": "w", "agent/agent.mjs": "one" }, { command: ["{slot}/work", "-v"] })).not.toBe(one);
  });
});
