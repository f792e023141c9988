/** What a device meets that no signature helps against: hosts that send without end, verdicts of another time, cut power. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type AskRequest, Decision, FailureReason, PermitPhase, Slot, type VerdictSchema } from "@moult/contracts/v1";
import type { Wanted } from "../../../apps/agent/src/testing/artifact-server.ts";
import { targetOf } from "../../../apps/agent/src/testing/open-gates.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild } from "../../failures/harness/builds.ts";
import type { Failure, Scene as FailureScene } from "../../failures/harness/failure.ts";
import { MOVE_MS, OddHome } from "../../failures/harness/odd-home.ts";
import { fallbackIsTold, successIsTrue } from "../../failures/scenarios/07-told-true.ts";
import { undecidedAgent } from "../../failures/scenarios/08-silent.ts";
import { powerCycles } from "../../failures/scenarios/10-power-cycles.ts";
import { revertedOnce } from "../../failures/scenarios/12-loop.ts";
import { partLostLater, partNeverCame } from "../../failures/scenarios/14-parts-missing.ts";
import { recordFails, wrongBytes } from "../../failures/scenarios/15-switched-anyway.ts";
import { clock1970, clock2038, expired, noClock } from "../../failures/scenarios/17-clock.ts";
import { hangs } from "../../failures/scenarios/18-hangs.ts";
import { type Attack, type Scene, must } from "../harness/attack.ts";
import type { Row } from "../harness/rows.ts";

const LARGE = new Uint8Array(300_000).map((_, index) => (index * 7) % 251);

/** A device's scenes know their bundles beforehand. */
async function withBundles({ root, atEnd, bundles }: Scene): Promise<FailureScene> {
  return { root, atEnd, bundles: await bundles() };
}

/** A failure that is an attack as well, left to test/failures in `npm test`. */
function played(row: Row, { name, run, missing, mutants = [] }: Failure): Attack {
  return {
    row,
    name: name.slice(3),
    elsewhere: true,
    missing,
    run: async (scene) => run(await withBundles(scene)),
    mutants: mutants.map(({ defence, caught, ...patch }) => ({ defence, caught, of: "agent", patches: [patch] })),
  };
}

/** Sends on and on, as fast as it is taken, or `bytesEveryMs` slowly; tells how much it got rid of. */
function endlessly({ response }: Wanted, told: (bytes: number) => void, dripMs = 0): true {
  response.writeHead(200);
  const piece = Buffer.alloc(dripMs > 0 ? 1 : 65_536, 7);
  const timer = setInterval(
    () => {
      if (response.writableNeedDrain) return;
      response.write(piece);
      told(piece.length);
    },
    Math.max(1, dripMs),
  );
  response.on("close", () => clearInterval(timer));
  return true;
}

/** What a device may still take in after it has seen that it is too much: what was under way. */
const UNDER_WAY_BYTES = 16 * 1_048_576;

const endless: Attack = {
  row: "endless data, slow drip",
  name: "a mirror that sends manifest and parts without end is left for the next one",
  elsewhere: true,
  async run(scene) {
    const device = await withBundles(scene);
    const home = await OddHome.open(device, { factory: makeBuild(device, { counter: 1, says: "none" }), mirrors: 2 });
    let sentBytes = 0;
    let streams = 0;
    const [first] = home.mirrors;
    must(first !== undefined, "there is no mirror");
    first.misbehave = (wanted) => {
      streams += 1;
      return endlessly(wanted, (bytes) => (sentBytes += bytes));
    };
    const two = makeBuild(device, { counter: 2, says: "none", files: { large: LARGE } });
    home.offer(two);
    const bounded = (): void =>
      must(sentBytes < (streams + 1) * UNDER_WAY_BYTES, `${sentBytes} bytes without an end were taken`);
    await until("the move", () => (bounded(), home.coordinator.asks.at(-1)?.runningDigest === two.digest), MOVE_MS);
    must(streams > 0, "the first mirror was never asked, so that nothing was tested");
  },
};

const DRIP_MS = 50;

const drip: Attack = {
  row: "endless data, slow drip",
  name: "a mirror that drips a byte at a time, never quite silent, is left for the next one",
  // It takes half a minute to be sure that a mirror is slow.
  elsewhere: true,
  async run(scene) {
    const device = await withBundles(scene);
    const home = await OddHome.open(device, { factory: makeBuild(device, { counter: 1, says: "none" }), mirrors: 2 });
    const [first] = home.mirrors;
    must(first !== undefined, "there is no mirror");
    let dripped = 0;
    first.misbehave = (wanted) => wanted.kind === "parts" && endlessly(wanted, () => (dripped += 1), DRIP_MS);
    const two = makeBuild(device, { counter: 2, says: "none", files: { large: LARGE } });
    home.offer(two);
    await until("the move", () => home.coordinator.asks.at(-1)?.runningDigest === two.digest, 3 * MOVE_MS);
    must(dripped > 0, "the first mirror was never asked, so that nothing was tested");
  },
};

const OTHER_ARCH = process.arch === "arm64" ? "x64" : "arm64";

const platform: Attack = {
  row: "wrong platform",
  name: "an approved build of another platform is turned down, however often it is offered",
  async run(scene) {
    const device = await withBundles(scene);
    const home = await OddHome.open(device, { factory: makeBuild(device, { counter: 1, says: "none" }) });
    const foreign = makeBuild(device, {
      counter: 2,
      says: "none",
      manifest: { platform: { os: "linux", arch: OTHER_ARCH } },
    });
    home.offer(foreign);
    const { reason, message } = await home.outcome(1);
    must(reason === FailureReason.UNSUITABLE, `told as something else: ${message}`);
    // A coordinator that insists: leave is given at once, staged or not.
    const target = targetOf(foreign, home.urls);
    const { judge } = home.coordinator;
    home.coordinator.judge = ({ drained }) => ({
      decision: Decision.GO,
      target,
      permit: {
        permitId: "insists",
        phase: drained ? PermitPhase.AWAY : PermitPhase.DRAINING,
        expiresInMs: 60_000,
        drainGraceMs: 1_000,
      },
    });
    const still = (): void => must(home.box.startsIn("a") === 0, "a build of another platform was started");
    await home.nextAsks(2, still);
    const staged = home.coordinator.asks.some(({ stagedDigest }) => stagedDigest === foreign.digest);
    must(!staged, "a build of another platform is staged");
    home.coordinator.judge = judge;
    const three = makeBuild(device, { counter: 3, says: "none" });
    home.offer(three);
    await home.nudgedTo(three);
  },
};

type Verdict = MessageInitShape<typeof VerdictSchema>;

const ANSWERS = 4;

const replayed: Attack = {
  row: "verdict replayed, for another node, after a reboot",
  name: "a GO that was given to another ask, another node or before a reboot moves nothing",
  async run(scene) {
    const device = await withBundles(scene);
    const home = await OddHome.open(device, { factory: makeBuild(device, { counter: 1, says: "none" }) });
    const two = makeBuild(device, { counter: 2, says: "none" });
    home.offer(two);
    const { judge } = home.coordinator;
    const leaveFor = (ask: AskRequest, permitId: string): Verdict => ({
      askId: ask.askId,
      decision: Decision.GO,
      target: targetOf(two, home.urls),
      permit: {
        permitId,
        phase: ask.drained ? PermitPhase.AWAY : PermitPhase.DRAINING,
        expiresInMs: 60_000,
        drainGraceMs: 1_000,
      },
    });
    let recorded: Verdict | undefined;
    home.coordinator.judge = (ask) => {
      if (ask.stagedDigest !== two.digest) return judge(ask);
      // What was meant for this ask is kept back, and given to every later one.
      if (recorded !== undefined) return recorded;
      recorded = leaveFor(ask, "recorded");
      return { decision: Decision.STAY, retryAfterMs: 100 };
    };
    const calm = (): void => {
      const last = home.coordinator.asks.at(-1);
      must(last?.permitId === "" && !last.drained, "a verdict that was given to another ask was acted on");
      must(home.box.startsIn("a") === 0, "a verdict that was given to another ask moved the device");
    };
    await until("the ask that is recorded", () => recorded !== undefined, MOVE_MS);
    await home.nextAsks(ANSWERS, calm);
    await home.box.cutPower();
    home.box.switchOn();
    await home.nextAsks(ANSWERS, calm);
    recorded = { ...recorded, askId: "of-another-node" };
    await home.nextAsks(ANSWERS, calm);
    recorded = { ...recorded, askId: "" };
    await home.nextAsks(ANSWERS, calm);
    home.coordinator.judge = judge;
    await home.nudgedTo(two);
  },
  mutants: [
    {
      defence: "an answer to something else is no answer",
      of: "agent",
      patches: [
        {
          file: "adapters/coordinator/coordinator.ts",
          from: "return fromAnswer(verdict?.askId === input.askId ? verdict : undefined);",
          to: "return fromAnswer(verdict);",
        },
      ],
      caught: /given to another ask (was acted on|moved the device)/,
    },
  ],
};

/** More than a trial has tries. */
const CUTS = 6;

const powerLoss: Attack = {
  row: "power loss mid-swap",
  name: "power that is cut in the swap, again and again, leaves the old build running",
  async run(scene) {
    const device = await withBundles(scene);
    const home = await OddHome.open(device, { factory: makeBuild(device, { counter: 1, says: "none" }) });
    const two = makeBuild(device, { counter: 2, says: "none" });
    const { box, coordinator } = home;
    home.offer(two);
    for (let cut = 0; cut < CUTS; cut += 1) {
      const before = { factory: box.startsIn("factory"), a: box.startsIn("a") };
      await until("a start", () => box.startsIn("a") > before.a || box.startsIn("factory") > before.factory, MOVE_MS);
      if (box.startsIn("factory") > before.factory) break;
      must(cut < CUTS - 1, "the new build is started for ever, and never proved itself");
      await box.cutPower();
      box.switchOn();
    }
    await home.nextAsks(1);
    must(coordinator.asks.at(-1)?.slot === Slot.FACTORY, "the old build does not run");
    must(box.record()?.trial === undefined, "a trial is still on the record");
    const three = makeBuild(device, { counter: 3, says: "none" });
    home.offer(three);
    await home.nudgedTo(three);
  },
  mutants: [
    {
      defence: "a start on trial takes one of its tries",
      of: "agent",
      patches: [
        {
          file: "slots/src/boot-decision.ts",
          from: "triesLeft: trial.triesLeft - 1",
          to: "triesLeft: trial.triesLeft",
        },
      ],
      caught: /started for ever/,
    },
  ],
};

export const device: readonly Attack[] = [
  endless,
  drip,
  played("endless data, slow drip", hangs),
  platform,
  played("partial bundle", partNeverCame),
  played("partial bundle", partLostLater),
  played("partial bundle", wrongBytes),
  replayed,
  played("clock back or forward", clock1970),
  played("clock back or forward", clock2038),
  played("clock back or forward", noClock),
  played("clock back or forward", expired),
  powerLoss,
  played("power loss mid-swap", powerCycles),
  played("power loss mid-swap", recordFails),
  played("health lies, crash loop", successIsTrue),
  played("health lies, crash loop", fallbackIsTold),
  played("health lies, crash loop", undecidedAgent),
  played("health lies, crash loop", revertedOnce),
];
