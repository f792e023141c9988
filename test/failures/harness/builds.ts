/** Builds for the failures' devices: the bundled agent, a runtime that starts this test's own, a workload. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildManifest } from "@moult/trust";
import { type TestBuild, makeTestBuild } from "../../../apps/agent/src/testing/test-build.ts";
import type { Scene } from "./failure.ts";

/** Starts the runtime of this process, and so is a small part. */
const RUNTIME = `#!/bin/sh\nexec ${process.execPath} "$@"\n`;

/** What a build is to be like. */
export interface BuildPlan {
  /** Release counter, and first digit of the version. */
  readonly counter: number;
  /** The workload reads what it says from the file of this name in the scene's folder; `none` for no workload. */
  readonly says?: string;
  /** A shell script in place of the workload. */
  readonly work?: string;
  /** The agent's text; without it, the bundled agent of the build's version. */
  readonly agent?: string;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly manifest?: Partial<BuildManifest>;
}

/** Version of the build with that counter. */
export function versionOf(counter: number): string {
  return `${counter}.0.0`;
}

/** A build; approved where it is offered or published. */
export function makeBuild({ bundles }: Scene, plan: BuildPlan): TestBuild {
  const { counter, says = "good", agent = bundles.agent(versionOf(counter)) } = plan;
  const starts = `#!/bin/sh\nexport CONTROL=$CONTROLS/${says}\nexec ${process.execPath} ${bundles.workload}\n`;
  const none = says === "none" && plan.work === undefined;
  const trial = { health_timeout_ms: 8_000, soak_ms: 200 };
  return makeTestBuild({
    files: {
      "!runtime/node": RUNTIME,
      "agent/agent.mjs": agent,
      ...(!none && { "!work": plan.work ?? starts }),
      ...plan.files,
    },
    manifest: {
      version: versionOf(counter),
      release_counter: counter,
      workload: none ? { kind: "none", ...trial } : { kind: "work-service", command: ["{slot}/work"], ...trial },
      ...plan.manifest,
    },
  });
}

/** Lets workloads that read `name` say this from now on; `{}` is a workload that serves and has nothing in flight. */
export function say({ root }: Scene, name: string, words: object = {}): void {
  writeFileSync(join(root, name), JSON.stringify(words));
}

/** What a workload that is ill says. */
export const ILL = { state: 4, message: "no database" };
