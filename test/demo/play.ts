/**
 * The scenario being played: connects its steps with the fleet, the instruments and the audience. It lets steps see and
 * act and shows the picture; what must hold is the steps' and the figures' to say.
 */
import type { Evidence, Figures } from "./figures.ts";
import { type CommandResult, asTyped, runMoult } from "./fleet/operator.ts";
import { until } from "./harness/until.ts";
import { boxesForThree } from "./scenario/bad-release.ts";
import { takeFigures } from "./scenario/measure.ts";
import { type ScenarioStep, type World, must } from "./scenario/world.ts";
import type { Stage } from "./stage.ts";
import { composeScene } from "./view/compose.ts";

/** A picture five times a second. */
const DRAW_EVERY_MS = 200;
/** What a wait may take where the step does not say, in milliseconds: ten times what it takes on two idle cores. */
const WAIT_MS = 60_000;
/** After each step there is time to look, and for what the step broke to show: the requests of so many seconds. */
const LOOK_S = { somebody: 2.5, nobody: 1.5 };
/** The last answers come within the askers' patience, in milliseconds. */
const LAST_ANSWERS_MS = 10_000;

/** One play of the scenario. */
export class Play {
  readonly #stage: Stage;
  readonly #lookS: number;
  readonly #world: World;
  readonly #reportedCommitted = new Set<string>();
  /** What happened, a sentence each, for the closing words. */
  readonly story: string[] = [];

  /** `watched` says who looks on: a program that waits for the figures needs no time between the steps. */
  constructor(stage: Stage, watched: keyof typeof LOOK_S) {
    this.#stage = stage;
    this.#lookS = LOOK_S[watched];
    this.#world = this.#makeWorld();
    const timer = setInterval(() => this.#look(), DRAW_EVERY_MS);
    stage.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /** Plays the steps one after the other; rejects with what went wrong in the first that fails. */
  async perform(steps: readonly ScenarioStep[]): Promise<void> {
    for (const [at, step] of steps.entries()) {
      this.#stage.view.begin(at + 1, steps.length, step.title);
      await step.run(this.#world);
      await this.#world.letPass(this.#stage.fleet.plan.lowRps * this.#lookS);
    }
  }

  /** No more requests; waits for the last answers. */
  async endTraffic(): Promise<void> {
    const { instruments, signal } = this.#stage;
    instruments.ask(0);
    const quiet = (): boolean => instruments.traffic.inFlight === 0 && instruments.traffic.offeredRps === 0;
    await until("the last request is answered", LAST_ANSWERS_MS, quiet, signal);
  }

  /** What was measured up to now. */
  measure(): { readonly figures: Figures; readonly evidence: Evidence } {
    const { fleet, instruments, listener } = this.#stage;
    return takeFigures({
      nodes: fleet.plan.boxes.length,
      told: listener.latest,
      seen: instruments.seen,
      traffic: instruments.traffic,
      floor: instruments.floor(),
      reportedCommitted: this.#reportedCommitted,
      two: fleet.releases.two,
      three: fleet.releases.three,
      namedForThree: boxesForThree(this.#world),
      elapsedMs: performance.now(),
    });
  }

  #makeWorld(): World {
    const { fleet, instruments, listener, view, signal } = this.#stage;
    return {
      plan: fleet.plan,
      releases: fleet.releases,
      told: () => listener.latest,
      seen: () => instruments.seen,
      traffic: () => instruments.traffic,
      ask: (rps) => instruments.ask(rps),
      beginMeasuring: () => instruments.begin(),
      moult: (words, exitCode = 0) => this.#moult(words, exitCode),
      tell: view.tell,
      record: (sentence) => void this.story.push(sentence),
      letPass: async (requests) => {
        const enough = instruments.traffic.total + requests;
        await until(
          `${requests} more requests are answered`,
          WAIT_MS,
          () => instruments.traffic.total >= enough,
          signal,
        );
      },
      until: (what, holds, timeoutMs = WAIT_MS) => until(what, timeoutMs, holds, signal),
    };
  }

  async #moult(words: readonly string[], exitCode: number): Promise<CommandResult> {
    const { fleet, view, signal } = this.#stage;
    view.tell(`$ ${asTyped(words).replaceAll(fleet.folder, "…")}`);
    const result = await runMoult(words, fleet.coordinator.stateDir, signal);
    const how = `${asTyped(words)} ended with ${result.exitCode} and not ${exitCode}`;
    must(result.exitCode === exitCode, `${how}: ${result.stderr}${result.stdout}`);
    return result;
  }

  #look(): void {
    const { fleet, instruments, listener, view } = this.#stage;
    const { traffic, seen, routed } = instruments;
    const told = listener.latest;
    for (const { box, outcome, version } of told.nodes) {
      if (outcome === "COMMITTED" && version === fleet.releases.two.version) this.#reportedCommitted.add(box);
    }
    view.draw(composeScene({ plan: fleet.plan, told, seen, traffic, routed, elapsedMs: performance.now() }));
  }
}
