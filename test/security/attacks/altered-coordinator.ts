/**
 * A coordinator that was altered to answer GO. It says the same to everybody, at every ask: leave is given, be away now. Each
 * attack is one thing for which leave cannot be given.
 */
import { createHash, createHmac } from "node:crypto";
import { writeBrakeStatement } from "@moult/contracts";
import { type AskRequest, Decision, FailureReason, PermitPhase } from "@moult/contracts/v1";
import { targetOf } from "../../../apps/agent/src/testing/open-gates.ts";
import type { TestBuild } from "../../../apps/agent/src/testing/test-build.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { part } from "../harness/forge.ts";
import { type Attack, must } from "../harness/attack.ts";
import { Siege } from "../harness/siege.ts";

const { BRAKED, NOT_APPROVED, OUTSIDE_COHORT, UNSUITABLE } = FailureReason;
const HOUR_MS = 3_600_000;
const COMES_MS = 60_000;

/** What the altered coordinator says. */
function leaveFor(siege: Siege, build: TestBuild, ask: AskRequest): ReturnType<Siege["coordinator"]["judge"]> {
  const phase = ask.drained ? PermitPhase.AWAY : PermitPhase.DRAINING;
  const permit = { permitId: `forged-${build.manifest.version}`, phase, expiresInMs: 60_000, drainGraceMs: 10_000 };
  return { decision: Decision.GO, target: targetOf(build, siege.gates.sources), permit };
}

/** Says GO to everything from now on. */
function alter(siege: Siege, build: TestBuild): void {
  siege.coordinator.judge = (ask) => leaveFor(siege, build, ask);
}

const UNLISTED = "GO for an unlisted digest moved it";

const unlisted: Attack = {
  row: "unapproved digest",
  name: "GO for a digest that is on no list any more moves nothing, though the device has the build",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge } = siege;
    const [six, seven] = [siege.build(6), siege.build(7)];
    await siege.knows(forge.allow([six]));
    await siege.stages(six);
    await siege.knows(forge.allow([]));
    alter(siege, six);
    await siege.holds(UNLISTED, NOT_APPROVED);
    // Also for one that it never had.
    alter(siege, siege.build(8));
    await siege.holds(UNLISTED, NOT_APPROVED);
    forge.allow([seven]);
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "GO is judged as an offer is",
      of: "agent",
      patches: [
        {
          file: "trust/keeper.ts",
          from: "if (heard.target === undefined) return undefined;",
          to: "if (heard.target === undefined || heard.leaving) return undefined;",
        },
      ],
      caught: new RegExp(UNLISTED),
    },
  ],
};

const OLD = "GO for an old release moved it";

const old: Attack = {
  row: "old image with a valid verdict",
  name: "GO for an old release moves nothing, though the council approved it and the device once ran it",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge } = siege;
    const [six, seven, eight] = [siege.build(6), siege.build(7), siege.build(8)];
    await siege.knows(forge.allow([six, seven, eight]));
    await siege.moves(six);
    await siege.moves(seven);
    // The other slot holds build 6 still.
    alter(siege, six);
    await siege.holds(OLD, UNSUITABLE);
    await siege.moves(eight);
  },
};

const OTHERS = "another node's verdict moved it";

const others: Attack = {
  row: "verdict replayed, for another node, after a reboot",
  name: "another node's verdict, or one of its own from before, moves nothing, though it is for a build that is approved",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge, coordinator } = siege;
    const [six, seven] = [siege.build(6), siege.build(7)];
    await siege.knows(forge.allow([six, seven]));
    await siege.stages(six);
    const [own] = coordinator.asks;
    must(own !== undefined, "nothing was asked");
    for (const askId of ["", own.askId, "another-nodes-ask"]) {
      coordinator.judge = (ask) => ({ ...leaveFor(siege, six, ask), askId });
      await siege.staysWhatItIs(OTHERS);
    }
    await siege.restart();
    await siege.staysWhatItIs(OTHERS);
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "a verdict answers the ask it was given for",
      of: "agent",
      patches: [
        {
          file: "coordinator/coordinator.ts",
          from: "fromAnswer(verdict?.askId === input.askId ? verdict : undefined)",
          to: "fromAnswer(verdict)",
        },
      ],
      caught: new RegExp(OTHERS),
    },
  ],
};

const EVERYONE = "GO moved it outside the share that the council lets move";

/** Where a node stands: HMAC-SHA256 of its id under the seed, the first 53 bits, as a fraction of all. */
function positionOf(seed: string, node: string): number {
  const bits = createHmac("sha256", Buffer.from(seed, "hex")).update(node).digest().readBigUInt64BE(0) >> 11n;
  return Number(bits) / 2 ** 53;
}

const everyone: Attack = {
  row: "everyone at once",
  name: "GO for everyone at once moves nobody outside the share that the council signed, by whatever name they are called",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge, coordinator } = siege;
    const [six, seven] = [siege.build(6), siege.build(7)];
    await until("the device's key", () => coordinator.enrolled.size > 0, COMES_MS);
    const [key = ""] = coordinator.enrolled;
    const hash = createHash("sha256").update(Buffer.from(key, "base64url")).digest("hex");
    const [node, called] = [`n${hash.slice(0, 16)}`, "n1"];
    // By the name that the coordinator gives it, it is in the first half; by its own it is in the other.
    const seeds = Array.from({ length: 64 }, (_, n) => createHash("sha256").update(`${n}`).digest("hex"));
    const seed = seeds.find((one) => positionOf(one, called) < 0.4 && positionOf(one, node) > 0.6);
    must(seed !== undefined, "no seed sets them apart");
    const half = [{ notBeforeMs: Date.now() - HOUR_MS, sharePpm: 500_000 }];
    const later = [{ notBeforeMs: Date.now() + HOUR_MS, sharePpm: 1_000_000 }];
    await siege.knows(forge.allow([six]));
    await siege.stages(six);
    for (const steps of [half, later]) {
      await siege.knows(forge.allow([six], { cohort: { seed, steps } }));
      alter(siege, six);
      await siege.holds(EVERYONE, OUTSIDE_COHORT);
      siege.opensGates(six);
    }
    const all = [{ notBeforeMs: Date.now() - HOUR_MS, sharePpm: 1_000_000 }];
    await siege.knows(forge.allow([seven], { cohort: { seed, steps: all } }));
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "the device works out alone whether it is inside",
      of: "agent",
      patches: [
        {
          file: "trust/gate.ts",
          from: "!withinCohort(cohort, device.node, slowMs)",
          to: "withinCohort(cohort, '', -1)",
        },
      ],
      caught: new RegExp(EVERYONE),
    },
    {
      defence: "its place in the row is its own key's, and nobody else's word",
      of: "agent",
      patches: [
        {
          file: "trust/gate.ts",
          from: "!withinCohort(cohort, device.node, slowMs)",
          to: "!withinCohort(cohort, 'n1', nowMs)",
        },
      ],
      caught: new RegExp(EVERYONE),
    },
    {
      defence: "a step is not taken before its time",
      of: "agent",
      patches: [{ file: "form/cohort-bound.ts", from: "step.notBeforeMs <= nowMs", to: "step.notBeforeMs > 0" }],
      caught: new RegExp(EVERYONE),
    },
  ],
};

const UNDER = "GO under a brake moved it";

const underBrake: Attack = {
  row: "brake suppressed",
  name: "GO under a brake moves nothing, though it comes on the stream alone and after leave was given",
  async run(scene) {
    const siege = await Siege.open(scene);
    const { forge, coordinator } = siege;
    const [six, seven] = [siege.build(6), siege.build(7)];
    await siege.knows(forge.allow([six, seven]));
    await siege.stages(six);
    const issuedMs = Date.now();
    const words = { network: "test", issuedMs, expiresMs: issuedMs + HOUR_MS, body: { reason: "a drill" } };
    const brakes = [forge.network.brake(writeBrakeStatement(words))];
    await until("the stream", () => coordinator.openStreams > 0, COMES_MS);
    coordinator.tell({ case: "brake", value: { engaged: true, reason: "a drill", brakes } });
    await until("the brake", () => siege.logged("a brake holds") > 0, COMES_MS);
    alter(siege, six);
    await siege.holds(UNDER, BRAKED);
    const digest = String(siege.box.log.find(({ msg }) => msg === "a brake holds")?.["digest"]);
    const lifting = forge.list([six, seven]);
    part(lifting, "moult")["lifted_brakes"] = [digest];
    siege.opensGates(six);
    siege.offered = undefined;
    await siege.knows(forge.publish(forge.approved(lifting)));
    await siege.moves(seven);
  },
  mutants: [
    {
      defence: "a brake stands in the way of every move",
      of: "agent",
      patches: [{ file: "trust/gate.ts", from: "if (brake !== undefined) {", to: "if (brake?.digest === '') {" }],
      caught: new RegExp(UNDER),
    },
  ],
};

export const alteredCoordinator: readonly Attack[] = [unlisted, old, others, everyone, underBrake];
