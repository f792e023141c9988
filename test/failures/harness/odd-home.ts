/** A device whose coordinator answers what the test wants: open gates, unless the test says something odder. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Outcome, OutcomeKind } from "@moult/contracts/v1";
import { type ArtifactServer, serveArtifacts } from "../../../apps/agent/src/testing/artifact-server.ts";
import { Box } from "../../../apps/agent/src/testing/box.ts";
import { type TestCertificate, makeCertificate } from "../../../apps/agent/src/testing/certificate.ts";
import { FakeCoordinator } from "../../../apps/agent/src/testing/fake-coordinator.ts";
import { openGates } from "../../../apps/agent/src/testing/open-gates.ts";
import type { TestNetwork } from "@moult/trust/testing";
import { type TestBuild, approve, makeNetwork } from "../../../apps/agent/src/testing/test-build.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { say } from "./builds.ts";
import { type Scene, must } from "./failure.ts";

/** What may differ. */
export interface OddOptions {
  readonly factory: TestBuild;
  /** How many mirrors are offered; 1 without it. */
  readonly mirrors?: number;
  /** Keys of `device.yaml`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The device's folder, where it is not to be in the scene's. */
  readonly dir?: string;
}

/** What a move may take on a busy machine, in milliseconds. */
export const MOVE_MS = 60_000;

/** Between two nudges, in milliseconds. */
const NUDGE_INTERVAL_MS = 500;

/** The device, its coordinator and its mirrors. */
export class OddHome {
  readonly certificate: TestCertificate;
  readonly coordinator: FakeCoordinator;
  readonly mirrors: readonly ArtifactServer[];
  readonly box: Box;
  /** Whose list approves builds. */
  readonly network: TestNetwork;
  target: TestBuild | undefined;

  private constructor(
    certificate: TestCertificate,
    coordinator: FakeCoordinator,
    mirrors: readonly ArtifactServer[],
    box: Box,
    network: TestNetwork,
  ) {
    this.certificate = certificate;
    this.coordinator = coordinator;
    this.mirrors = mirrors;
    this.box = box;
    this.network = network;
    coordinator.judge = (ask) => openGates(ask, { target: this.target, sources: this.urls });
  }

  /** Flashes the device; it is not switched on. */
  static async make(scene: Scene, { factory, mirrors = 1, config = {}, dir }: OddOptions): Promise<OddHome> {
    const certificate = makeCertificate();
    const coordinator = new FakeCoordinator(certificate, scene.atEnd);
    await coordinator.start();
    const sources = await Promise.all(Array.from({ length: mirrors }, () => serveArtifacts(certificate, scene.atEnd)));
    const caFile = join(scene.root, "ca.pem");
    writeFileSync(caFile, certificate.cert);
    const network = makeNetwork();
    coordinator.metadata = network.files;
    const rootFile = join(scene.root, "root.json");
    writeFileSync(rootFile, network.flashedRoot);
    say(scene, "good");
    const box = await Box.flash({
      root: scene.root,
      ...(dir !== undefined && { dir }),
      factory,
      launcher: scene.bundles.launcher,
      atEnd: scene.atEnd,
      config: {
        network: "test",
        coordinators: [coordinator.address],
        ca_file: caFile,
        root_file: rootFile,
        enrollment_token: "welcome",
        workload: { env: { CONTROLS: scene.root } },
        ...config,
      },
    });
    return new OddHome(certificate, coordinator, sources, box, network);
  }

  /** The same, switched on and asking. */
  static async open(scene: Scene, options: OddOptions): Promise<OddHome> {
    const home = await OddHome.make(scene, options);
    home.box.switchOn();
    await home.nextAsks(1);
    return home;
  }

  get urls(): readonly string[] {
    return this.mirrors.map(({ url }) => url);
  }

  /** What has been told of moves, in its order. */
  get outcomes(): readonly Outcome[] {
    return this.coordinator.reports.flatMap(({ report }) => (report.case === "outcome" ? [report.value] : []));
  }

  /** Has the council approve the build, puts it on every mirror and offers it. */
  offer(build: TestBuild): void {
    approve(this.network, [build]);
    for (const mirror of this.mirrors) mirror.builds.push(build);
    this.target = build;
  }

  /** The outcome with that number, counted from 1. */
  outcome(number: number): Promise<Outcome> {
    return until(`outcome ${number}`, () => this.outcomes[number - 1], MOVE_MS);
  }

  /** The next outcome has to be a commit of this build. */
  async committed(build: TestBuild): Promise<void> {
    const outcome = await this.outcome(this.outcomes.length + 1);
    must(
      outcome.kind === OutcomeKind.COMMITTED && outcome.targetDigest === build.digest,
      `the move to ${build.manifest.version} did not end in a commit: ${outcome.message}`,
    );
  }

  /** Nudges the device until it has moved to this build: what was put off is taken up at once then. */
  async nudgedTo(build: TestBuild): Promise<void> {
    const isCommit = ({ kind, targetDigest }: Outcome): boolean =>
      kind === OutcomeKind.COMMITTED && targetDigest === build.digest;
    let nudgedAtMs = Number.NEGATIVE_INFINITY;
    await until(
      `the move to ${build.manifest.version}`,
      () => {
        // A nudge is lost where the stream is just being opened again.
        if (performance.now() - nudgedAtMs > NUDGE_INTERVAL_MS) {
          nudgedAtMs = performance.now();
          this.coordinator.tell({ case: "nudge", value: {} });
        }
        return this.outcomes.some(isCommit);
      },
      MOVE_MS,
    );
  }

  /** Resolves when the device has asked so many times more. `guard` is called at each look, and may throw. */
  async nextAsks(count: number, guard: () => void = () => undefined): Promise<void> {
    const { asks } = this.coordinator;
    const wanted = asks.length + count;
    await until(
      `${count} asks more`,
      () => {
        guard();
        return asks.length >= wanted;
      },
      MOVE_MS,
    );
  }
}
