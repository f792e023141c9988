/**
 * A device that was flashed before there were roots gets one with a build that its old agent's council signed; from then on
 * it goes by the allowlist, and that council's signatures mean nothing to it.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FailureReason } from "@moult/contracts/v1";
import { describe, it } from "vitest";
import { testBundles } from "../../apps/agent/src/testing/bundles.ts";
import { makeFolder } from "../../apps/agent/src/testing/folders.ts";
import { readBundles, readReleases } from "../../apps/agent/src/testing/released.ts";
import type { TestBuild } from "../../apps/agent/src/testing/test-build.ts";
import { makeBuild } from "../failures/harness/builds.ts";
import { type Scene, must } from "../failures/harness/failure.ts";
import { OddHome } from "../failures/harness/odd-home.ts";
import { OldCouncil } from "./council.ts";

/** Releases whose agents go by a council's signatures on manifests. */
const old = readReleases(import.meta.dirname).filter(({ version }) => version.startsWith("0.1."));

describe.concurrent("a device of before there were roots", () => {
  it.for(old)("$version comes to trust the allowlist alone", { timeout: 60_000 }, async (release, context) => {
    const atEnd = (end: () => void | Promise<void>): void => context.onTestFinished(end);
    const root = makeFolder(atEnd);
    const released = readBundles(import.meta.dirname, release);
    const launcher = join(root, "released-launcher.mjs");
    writeFileSync(launcher, released.launcher);
    const scene: Scene = { root, bundles: { ...(await testBundles(root)), launcher }, atEnd };
    const council = new OldCouncil();
    const agent = released.agent.toString("utf8");
    const factory = council.sign(makeBuild(scene, { counter: 1, agent, manifest: { version: release.version } }));
    const home = await OddHome.make(scene, { factory, config: { council: council.config, root_file: undefined } });
    appendFileSync(join(home.box.dir, "device.yaml"), "enrollment_token: welcome\n");
    home.box.switchOn();
    await home.nextAsks(1);

    const { flashedRoot } = home.network;
    const make = (counter: number): TestBuild =>
      council.sign(makeBuild(scene, { counter, files: { "agent/root.json": flashedRoot } }));
    const [bridge, listed, unlisted] = [make(2), make(3), make(4)];
    for (const build of [bridge, listed]) {
      home.offer(build);
      await home.committed(build);
    }
    for (const mirror of home.mirrors) mirror.builds.push(unlisted);
    home.target = unlisted;
    const { reason, message } = await home.outcome(3);
    must(reason === FailureReason.NOT_APPROVED, `the old council's signatures still count: ${message}`);
  });
});
