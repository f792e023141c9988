/**
 * A rollout in which processes are killed with -9 at random: agents, workloads, launchers, the coordinator. No failure may last, and
 * the fleet has to arrive all the same. The seed is printed; MOULT_CHAOS_SEED repeats a run.
 */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { House } from "./harness/house.ts";
import type { Pids } from "./harness/pid-file.ts";
import { Play } from "./play.ts";
import { bringUpStep } from "./scenario/bring-up.ts";
import { signAndPublish } from "./scenario/publish.ts";
import { type ScenarioStep, type World, runningBoxes } from "./scenario/world.ts";
import { openStage } from "./stage.ts";
import { createPlainView } from "./view/plain.ts";

/** A rollout with restarts, on a machine that does other things too, in milliseconds. */
const RUN_MS = 230_000;
const CONVERGES_MS = 120_000;
const NODES = 8;
const KILLS = 8;
/** Between two kills: the requests of so many seconds. */
const BETWEEN_S = 2.5;
/** No request may go on failing for longer than this after a kill, in milliseconds. */
const FAILING_MS_MAX = 1000;
/** Figures arrive ten times a second; so much later a failure may be seen, in milliseconds. */
const SEEN_WITHIN_MS = 150;
const SEED_MAX = 2 ** 31;

/** Who is killed. */
type Victim = "agent" | "workload" | "coordinator" | "launcher";
const VICTIMS: readonly Victim[] = ["agent", "workload", "coordinator", "launcher"];

/** The same numbers for the same seed. */
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % sides;
  };
}

async function kill(folder: string, victim: Victim, dice: (sides: number) => number): Promise<string> {
  const pids = JSON.parse(await readFile(`${folder}/pids.json`, "utf8")) as Pids;
  const kept = (name: string): number[] =>
    Object.entries(pids.kept).flatMap(([each, pid]) => (each.startsWith(name) ? [pid] : []));
  const candidates: Record<Victim, readonly number[]> = {
    agent: pids.agents,
    workload: pids.workloads,
    coordinator: kept("coordinator"),
    launcher: kept("box-"),
  };
  const among = candidates[victim];
  const pid = among[dice(Math.max(1, among.length))];
  if (pid === undefined) return `no ${victim} runs`;
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended by itself since the list was written.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
  return `${victim} ${pid}`;
}

/** When requests failed after a kill, in milliseconds since the kill. */
interface Aftermath {
  readonly killed: string;
  firstMs: number | undefined;
  lastMs: number | undefined;
}

/** The rollout with the kills. */
function chaosStep(folder: string, dice: (sides: number) => number, aftermaths: Aftermath[]): ScenarioStep {
  return {
    title: "Everyone may go, and somebody kills processes.",
    run: async (world) => {
      const { two } = world.releases;
      await world.moult(["dial", "set", two.version, "everyone", "--yes"]);
      await world.moult(["nudge", "--release", two.version]);
      for (let kills = 0; kills < KILLS; kills += 1) {
        const victim = VICTIMS[(kills + dice(2)) % VICTIMS.length] ?? "agent";
        const killed = await kill(folder, victim, dice);
        world.tell(`killed ${killed}`);
        aftermaths.push(await watchFailures(world, killed));
      }
      const arrived = (): boolean =>
        runningBoxes(world, two.version).length === NODES &&
        world.told().nodes.every(({ state, outcome }) => state === "SERVING" && outcome === "COMMITTED");
      await world.until("every node runs and has committed version 2", arrived, CONVERGES_MS);
    },
  };
}

async function watchFailures(world: World, killed: string): Promise<Aftermath> {
  const aftermath: Aftermath = { killed, firstMs: undefined, lastMs: undefined };
  const startedMs = performance.now();
  let { failed } = world.traffic();
  const enough = world.traffic().total + world.plan.lowRps * BETWEEN_S;
  await world.until("the next kill is due", () => {
    const now = world.traffic();
    if (now.failed > failed) {
      aftermath.lastMs = performance.now() - startedMs;
      aftermath.firstMs ??= aftermath.lastMs;
      failed = now.failed;
    }
    return now.total >= enough;
  });
  return aftermath;
}

describe("a rollout while processes are killed at random", () => {
  it("converges, and no failure lasts longer than a second", { timeout: RUN_MS }, async () => {
    const seed = Number(process.env["MOULT_CHAOS_SEED"] ?? Math.floor(Math.random() * (SEED_MAX - 1)) + 1);
    process.stderr.write(`MOULT_CHAOS_SEED=${seed}\n`);
    const lines: string[] = [];
    const view = createPlainView(
      (line) => lines.push(line),
      () => performance.now(),
    );
    const end = new AbortController();
    const house = await House.open();
    try {
      house.hopeless.addEventListener("abort", () => end.abort(house.hopeless.reason), { once: true });
      const stage = await openStage({ house, nodes: NODES, seed, view, signal: end.signal });
      const { council, releases } = stage.fleet;
      const publish: ScenarioStep = {
        title: "Version 2 is signed and published.",
        run: (world) => signAndPublish(world, council, releases.two),
      };
      const aftermaths: Aftermath[] = [];
      const play = new Play(stage, "nobody");
      await play.perform([bringUpStep, publish, chaosStep(house.folder, createDice(seed), aftermaths)]);
      await play.endTraffic();
      const { longestFailureMs, failed, total, failuresByReason } = stage.instruments.traffic;
      const story = `seed ${seed}\n${lines.join("\n")}\n${JSON.stringify({ aftermaths, failed, total, failuresByReason })}`;
      expect(longestFailureMs, story).toBeLessThanOrEqual(FAILING_MS_MAX);
      for (const { firstMs, lastMs } of aftermaths) {
        expect((lastMs ?? 0) - (firstMs ?? 0), story).toBeLessThanOrEqual(FAILING_MS_MAX + SEEN_WITHIN_MS);
      }
      expect(play.measure().figures.committed, story).toBe(NODES);
    } catch (error) {
      const why = house.hopeless.aborted ? String(house.hopeless.reason) : "";
      throw new Error(`seed ${seed}\n${lines.join("\n")}\n${why}`, { cause: error });
    } finally {
      end.abort();
      await house.close(process.env["MOULT_CHAOS_LOGS"]);
    }
  });
});
