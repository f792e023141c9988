/**
 * A whole device, as processes, in the hands of those who answer it: a coordinator that was taken over, a mirror that lies,
 * a disk that was altered. Says whether it stays what it is, and whether it can still move when it should.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { FailureReason, type Outcome, OutcomeKind } from "@moult/contracts/v1";
import { TestNetwork } from "@moult/trust/testing";
import { type ArtifactServer, serveArtifacts } from "../../../apps/agent/src/testing/artifact-server.ts";
import { Box } from "../../../apps/agent/src/testing/box.ts";
import { type TestCertificate, makeCertificate } from "../../../apps/agent/src/testing/certificate.ts";
import { FakeCoordinator } from "../../../apps/agent/src/testing/fake-coordinator.ts";
import { openGates } from "../../../apps/agent/src/testing/open-gates.ts";
import type { TestBuild } from "../../../apps/agent/src/testing/test-build.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild } from "../../failures/harness/builds.ts";
import { type Scene, Breach, must } from "./attack.ts";
import { Forge } from "./forge.ts";

/** What may differ. */
export interface SiegeOptions {
  /** The coordinator's and the mirror's; by default the same. */
  readonly certificate?: TestCertificate;
  readonly mirrorCertificate?: TestCertificate;
  /** Whom the device believes that somebody is who he says; the coordinator's certificate where it is not said. */
  readonly authorities?: readonly TestCertificate[];
  readonly network?: TestNetwork;
  /** Release counter of what is flashed; 5 where it is not said. */
  readonly counter?: number;
  /** Keys of `device.yaml`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** What a move, or the word that there is none, may take on a busy machine, in milliseconds. */
const COMES_MS = 60_000;

/** News that are to end live for so long at first, in milliseconds. */
const SHORT_MS = 3_000;

/** A build that is refused is tried again after this time, in milliseconds. */
const BACKOFF_MS = 150;

/** Asks that are answered before an attack has failed. */
const ASKS = 3;

/** The device and whoever answers it. */
export class Siege {
  readonly coordinator: FakeCoordinator;
  readonly mirror: ArtifactServer;
  readonly box: Box;
  readonly forge: Forge;
  /** What is offered to it, with open gates; nothing at first. */
  offered: TestBuild | undefined;
  /** The timestamp that the coordinator says is published; 0 for none. */
  hint = 0;
  readonly #scene: Parameters<typeof makeBuild>[0];
  #runs: TestBuild;
  readonly #flashedMs: number;
  /** Why it refused last. */
  #refused: FailureReason | undefined;

  private constructor(
    parts: Pick<Siege, "coordinator" | "mirror" | "box" | "forge">,
    scene: Parameters<typeof makeBuild>[0],
    runs: TestBuild,
    flashedMs: number,
  ) {
    this.coordinator = parts.coordinator;
    this.mirror = parts.mirror;
    this.box = parts.box;
    this.forge = parts.forge;
    this.#scene = scene;
    this.#runs = runs;
    this.#flashedMs = flashedMs;
    this.coordinator.judge = this.#opened;
  }

  /** Flashes a device; it is not switched on. */
  static async make(scene: Scene, options: SiegeOptions = {}): Promise<Siege> {
    const { certificate = makeCertificate(), counter = 5, config = {} } = options;
    const { mirrorCertificate = certificate, authorities = [certificate] } = options;
    const { network = new TestNetwork({ network: "test" }) } = options;
    const { root, atEnd } = scene;
    const bundled = { root, atEnd, bundles: await scene.bundles() };
    const forge = new Forge(network);
    const coordinator = new FakeCoordinator(certificate, atEnd);
    await coordinator.start();
    coordinator.metadata = forge.files;
    const mirror = await serveArtifacts(mirrorCertificate, atEnd);
    const [caFile, rootFile] = [join(root, "ca.pem"), join(root, "root.json")];
    writeFileSync(caFile, authorities.map(({ cert }) => cert).join(""));
    writeFileSync(rootFile, network.flashedRoot);
    const factory = makeBuild(bundled, { counter, says: "none" });
    const flashedMs = Date.now();
    const box = await Box.flash({
      root,
      factory,
      launcher: bundled.bundles.launcher,
      atEnd,
      config: {
        network: "test",
        coordinators: [coordinator.address],
        ca_file: caFile,
        root_file: rootFile,
        enrollment_token: "welcome",
        pull_rounds: 2,
        failure_backoff_ms: BACKOFF_MS,
        failure_backoff_max_ms: BACKOFF_MS,
        ...config,
      },
    });
    return new Siege({ coordinator, mirror, box, forge }, bundled, factory, flashedMs);
  }

  /** The same, switched on. */
  static async open(scene: Scene, options: SiegeOptions = {}): Promise<Siege> {
    const siege = await Siege.make(scene, options);
    siege.box.switchOn();
    return siege;
  }

  /** What an altered coordinator lets pass: everything. */
  get gates(): Parameters<typeof openGates>[1] {
    return { target: this.offered, sources: [this.mirror.url], retryAfterMs: 250 };
  }

  readonly #opened: FakeCoordinator["judge"] = (ask) => ({
    ...openGates(ask, this.gates),
    timestampVersion: BigInt(this.hint),
  });

  get outcomes(): readonly Outcome[] {
    return this.coordinator.reports.flatMap(({ report }) => (report.case === "outcome" ? [report.value] : []));
  }

  /** A build that would run here; the mirror has it. */
  build(counter: number): TestBuild {
    const build = makeBuild(this.#scene, { counter, says: "none" });
    this.mirror.builds.push(build);
    return build;
  }

  /** Offers the build, and lets everything pass. */
  opensGates(build: TestBuild): void {
    this.offered = build;
    this.coordinator.judge = this.#opened;
  }

  /**
   * Publishes news that end shortly after the device has verified them, and waits until they have ended. `publish` is given
   * when they have to end, in milliseconds since 1970; once more where the machine was too slow.
   */
  async outlives(publish: (endMs: number) => number): Promise<void> {
    const { asks } = this.coordinator;
    await until("the first ask", () => asks.length > 0, COMES_MS);
    // Its time began with the flashing and stood still until it was switched on.
    const lagMs = Date.now() - this.#flashedMs + 1_000;
    for (let lifeMs = SHORT_MS; ; lifeMs *= 2) {
      const endMs = Date.now() + lifeMs;
      const version = BigInt(publish(endMs));
      const knows = (): boolean => asks.at(-1)?.timestampVersion === version;
      await until("the device or the end", () => knows() || Date.now() > endMs, COMES_MS);
      if (!knows()) continue;
      return void (await until("the end of the news", () => Date.now() > endMs + lagMs, COMES_MS));
    }
  }

  /** Tells the device that there is this timestamp, until it says that it has verified it. */
  async knows(timestampVersion: number): Promise<void> {
    const { asks } = this.coordinator;
    const version = BigInt(timestampVersion);
    this.hint = timestampVersion;
    await until(`timestamp ${version}`, () => asks.at(-1)?.timestampVersion === version, COMES_MS);
    this.hint = 0;
  }

  /** Offers the build until the device has it staged, and gives no leave. */
  async stages(build: TestBuild): Promise<void> {
    const { asks } = this.coordinator;
    const from = asks.length;
    this.offered = build;
    this.coordinator.judge = (ask) => ({
      ...openGates(ask, { ...this.gates, target: ask.stagedDigest === build.digest ? undefined : build }),
      timestampVersion: BigInt(this.hint),
    });
    await until(
      `${build.manifest.version} staged`,
      () => asks.slice(from).at(-1)?.stagedDigest === build.digest,
      COMES_MS,
    );
  }

  /**
   * From now on the device has to refuse what is offered, for this reason, and stay what it is. `says` is what its log has
   * to say of the metadata, as in `targets MIXED`; the claim is what has happened where it does not hold. A build that the
   * list does not name is NOT_APPROVED where the newest list was had, and METADATA where files were refused on the way to it.
   */
  async holds(claim: string, reason: FailureReason, says?: string): Promise<Outcome> {
    const refusals = (outcome: Outcome): boolean => outcome.kind === OutcomeKind.FAILED && outcome.reason === reason;
    const [told, logged] = [this.outcomes.length, this.box.log.length];
    const seen = (): boolean =>
      says === undefined ||
      this.box.log.slice(logged).some(({ role, code }) => `${String(role)} ${String(code)}` === says);
    await this.#stays(claim, `the refusal ${FailureReason[reason]} ${says ?? ""}`, () => {
      const outcomes = this.outcomes.slice(told);
      const first = outcomes.findIndex(refusals);
      // What was on its way when the attack changed is no answer to it.
      const late = (outcome: Outcome, n: number): boolean =>
        outcome.kind === OutcomeKind.FAILED && outcome.reason === this.#refused && (first < 0 || n < first);
      const other = outcomes.find((outcome, n) => !refusals(outcome) && !late(outcome, n));
      must(other === undefined, `refused for another reason, ${FailureReason[other?.reason ?? 0]}: ${other?.message}`);
      return outcomes.length > 0 && seen();
    });
    const outcome = this.outcomes.findLast(refusals);
    must(outcome !== undefined, "no refusal");
    this.#refused = reason;
    return outcome;
  }

  /** The device goes on asking and stays what it is, until so many asks more were answered and `done`. */
  async staysWhatItIs(claim: string, done: () => boolean = () => true): Promise<void> {
    await this.#stays(claim, "more asks", done);
  }

  async #stays(claim: string, what: string, done: () => boolean): Promise<void> {
    const { asks } = this.coordinator;
    const [asked, starts] = [asks.length, this.#starts];
    const before = asks.at(-1)?.stagedDigest ?? "";
    await until(
      what,
      () => {
        const since = asks.slice(asked);
        const took = since.some(({ stagedDigest }) => stagedDigest !== "" && stagedDigest !== before);
        const moved = since.some(({ runningDigest }) => runningDigest !== this.#runs.digest);
        must(!took && !moved && this.#starts === starts && this.#recordStands, claim);
        return done() && since.length >= ASKS;
      },
      COMES_MS,
    );
  }

  /** The device moves to the build: that the attacks before did not let it is no accident. */
  async moves(build: TestBuild, otherwise: () => string | undefined = () => undefined): Promise<void> {
    this.opensGates(build);
    await until(
      `the move to ${build.manifest.version}`,
      () => {
        const fault = otherwise();
        if (fault !== undefined) throw new Breach(fault);
        return this.outcomes.some(
          ({ kind, targetDigest }) => kind === OutcomeKind.COMMITTED && targetDigest === build.digest,
        );
      },
      COMES_MS,
    );
    must(this.box.record()?.committed.digest === build.digest, "a commit was told and not made");
    this.#runs = build;
  }

  /** Starts launcher and agent again, with whatever lies on the disk then. */
  async restart(meanwhile: () => void = () => undefined): Promise<void> {
    await this.box.killUpdater();
    meanwhile();
    this.box.switchOn();
  }

  /** How often the log has said so. */
  logged(what: string): number {
    return this.box.log.filter(({ role, code, msg }) => msg === what || `${String(role)} ${String(code)}` === what)
      .length;
  }

  get #starts(): number {
    return this.box.startsIn("a") + this.box.startsIn("b");
  }

  /** Whether the boot record says what it said: a device that never moved has none. */
  get #recordStands(): boolean {
    const record = this.box.record();
    return record === undefined || (record.trial === undefined && record.committed.digest === this.#runs.digest);
  }
}
