/** A device and a real coordinator with a real store, and a pool that can spare the device. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Node } from "@moult/contracts/v1";
import { TestCoordinator } from "../../../apps/coordinator/src/testing/coordinator.ts";
import { type ArtifactServer, serveArtifacts } from "../../../apps/agent/src/testing/artifact-server.ts";
import { Box } from "../../../apps/agent/src/testing/box.ts";
import { makeCertificate } from "../../../apps/agent/src/testing/certificate.ts";
import type { TestNetwork } from "@moult/trust/testing";
import { publishMetadata } from "../../../apps/agent/src/testing/publish-metadata.ts";
import { type TestBuild, entryOf, makeNetwork } from "../../../apps/agent/src/testing/test-build.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { say } from "./builds.ts";
import type { Scene } from "./failure.ts";
import { MOVE_MS } from "./odd-home.ts";

/** What may differ. */
export interface HomeOptions {
  readonly factory: TestBuild;
  /** Keys of `device.yaml`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Keys of the coordinator's `capacity`. */
  readonly capacity?: Readonly<Record<string, unknown>>;
  /** The enrolment token stays in `device.yaml`, as it did before it was a file of its own. */
  readonly tokenInConfig?: boolean;
  /** Whether `device.yaml` names the root; a device of before there were roots gets it with a build. */
  readonly rootInConfig?: boolean;
}

/** A label by which the device is told from the company it keeps. */
const LABEL = { box: "here" };

/** How soon a node that was told to stay may ask again, in milliseconds. */
const RETRY_MS = 200;

/** The device, its coordinator and its mirror. */
export class Home {
  readonly coordinator: TestCoordinator;
  readonly mirror: ArtifactServer;
  readonly box: Box;
  /** Whose list approves builds. */
  readonly network: TestNetwork;

  private constructor(coordinator: TestCoordinator, mirror: ArtifactServer, box: Box, network: TestNetwork) {
    this.coordinator = coordinator;
    this.mirror = mirror;
    this.box = box;
    this.network = network;
  }

  /** Flashes the device, switches it on and waits until the coordinator knows it. */
  static async open(
    scene: Scene,
    { factory, config = {}, capacity = {}, tokenInConfig = false, rootInConfig = true }: HomeOptions,
  ): Promise<Home> {
    const certificate = makeCertificate();
    const mirror = await serveArtifacts(certificate, scene.atEnd);
    const network = makeNetwork();
    const rootFile = join(scene.root, "root.json");
    writeFileSync(rootFile, network.flashedRoot);
    const coordinator = await TestCoordinator.start({
      config: {
        network: "test",
        root_file: rootFile,
        artifacts: { public_url: mirror.url },
        retry: { allowlist_ms: RETRY_MS, dial_ms: RETRY_MS, capacity_ms: RETRY_MS },
        capacity: { drain_grace_ms: 8_000, permit_ttl_ms: 30_000, ...capacity },
      },
    });
    scene.atEnd(() => coordinator.stop());
    await coordinator.company();
    const caFile = join(scene.root, "ca.pem");
    const ca = readFileSync(join(coordinator.config.state_dir, "tls", "ca.pem"), "utf8");
    writeFileSync(caFile, `${ca}\n${certificate.cert}`);
    // The only holder of a shard may not leave.
    say(scene, "good", { shards: [] });
    const token = await coordinator.token();
    const box = await Box.flash({
      root: scene.root,
      factory,
      launcher: scene.bundles.launcher,
      atEnd: scene.atEnd,
      config: {
        network: "test",
        coordinators: [coordinator.running.grpc],
        ca_file: caFile,
        ...(rootInConfig && { root_file: rootFile }),
        enrollment_token: token,
        labels: LABEL,
        workload: { env: { CONTROLS: scene.root } },
        ...config,
      },
    });
    if (tokenInConfig) appendFileSync(join(box.dir, "device.yaml"), `enrollment_token: ${token}\n`);
    const home = new Home(coordinator, mirror, box, network);
    box.switchOn();
    await until("the node", () => home.node(), MOVE_MS);
    return home;
  }

  /** The device as the coordinator sees it; undefined before it has enrolled. */
  async node(): Promise<Node | undefined> {
    const { fleet, viewer } = this.coordinator.clients;
    const { nodes } = await fleet.listNodes({}, viewer);
    return nodes.find(({ labels }) => labels["box"] === LABEL.box);
  }

  /** Waits until the device is as `fits` wants it. */
  async nodeIs(what: string, fits: (node: Node) => boolean): Promise<Node> {
    return until(
      what,
      async () => {
        const node = await this.node();
        return node !== undefined && fits(node) ? node : undefined;
      },
      MOVE_MS,
    );
  }

  /** Has the council approve the build, and the publisher publish the list. */
  async approve(build: TestBuild): Promise<void> {
    const { running, config } = this.coordinator;
    await publishMetadata(running.grpc, config.state_dir, this.network.allow(entryOf(build)));
  }

  /** Publishes a release of this build; nobody moves before the dial is turned. */
  async publish(build: TestBuild): Promise<void> {
    const { releases, operator } = this.coordinator.clients;
    // The coordinator names the mirror as its public address, so its own parts are put where an upload would.
    const parts = join(this.coordinator.config.state_dir, "parts");
    for (const [digest, body] of build.parts) writeFileSync(join(parts, digest), body);
    await this.approve(build);
    await releases.publishRelease({ signedManifests: [build.envelope] }, operator);
    this.mirror.builds.push(build);
  }

  /** Turns a release's dial. */
  async dial(version: string, to: "everyone" | "nobody"): Promise<void> {
    const { rollout, operator } = this.coordinator.clients;
    await rollout.setDial({ dial: { release: `releases/${version}`, setting: { case: to, value: {} } } }, operator);
  }

  /** Publishes a release for everybody. */
  async release(build: TestBuild): Promise<void> {
    await this.publish(build);
    await this.dial(build.manifest.version, "everyone");
  }
}
