/**
 * The product in the simulator: every node speaks the real protocol (ask, drained re-ask with the permit, RETURNED, outcome,
 * pulses) to the real ledger, over a network that may lose and double messages, to a coordinator that may restart.
 */
import {
  type Ledger,
  type LedgerConfig,
  type Node,
  type Situation,
  ask,
  report,
  setDial,
  tick,
  vanish,
} from "@moult/policy";
import type { Controller } from "../engine/controller.ts";
import { type Running, STAGE } from "../engine/running.ts";
import { STREAM, exponential, uniform } from "../random.ts";
import { freshLedger, restarted } from "./fresh-ledger.ts";
import {
  EPOCH_MS,
  RELEASE,
  RUNNING_NEW,
  RUNNING_OLD,
  type Speaker,
  askEvent,
  outcomeEvent,
  pulseEvent,
  returnedEvent,
  situation,
} from "./messages.ts";

/** An agent that gets no answer to its drained re-ask tries so often before it restores the work. */
const REASK_TRIES = 3;

/** Names of boots, made once each. */
const BOOT_NAMES: string[] = [];

/** Looks at the ledger after every decision; the proofs hang on it. */
export type Watch = (ledger: Ledger, nowMs: number) => void;

/** The product as a policy at work. */
export class MoultDriver implements Controller {
  readonly hears = true;
  ledger: Ledger;
  readonly #engine: Running;
  readonly #nodes: Node[] = [];
  /** Beside the nodes, so that saying who speaks touches no more memory than it must: large worlds wait for memory. */
  #names: readonly string[] = [];
  readonly #boot: Uint16Array;
  readonly #sequence: Float64Array;
  readonly #staged: Uint8Array;
  readonly #reverted: Uint8Array;
  readonly #liar: Uint8Array;
  readonly #permitId: string[];
  readonly #watch: Watch | undefined;
  #messages = 0;
  #permits = 0;
  #restarts = 0;
  #nextRestartMs = Number.POSITIVE_INFINITY;

  constructor(engine: Running, config: LedgerConfig, watch?: Watch) {
    const { fleet, options } = engine.world;
    this.#engine = engine;
    this.#watch = watch;
    this.#boot = new Uint16Array(fleet.nodes);
    this.#sequence = new Float64Array(fleet.nodes);
    this.#staged = new Uint8Array(fleet.nodes);
    this.#reverted = new Uint8Array(fleet.nodes);
    this.#liar = Uint8Array.from({ length: fleet.nodes }, (_, node) =>
      uniform(options.seed, STREAM.liar, node + fleet.offset) < options.faults.liars ? 1 : 0,
    );
    this.#permitId = Array.from({ length: fleet.nodes }, () => "");
    this.ledger = freshLedger(config, fleet, EPOCH_MS);
    this.#findNodes();
    this.#planRestart(0);
  }

  minute(minute: number): void {
    const now = this.#now();
    if (this.#engine.nowMs >= this.#nextRestartMs) this.#restart();
    if (minute === this.#engine.world.startMinute) setDial(this.ledger, RELEASE.version, { kind: "everyone" }, now);
    tick(this.ledger, now);
    this.#watch?.(this.ledger, now);
  }

  pulse(node: number): void {
    const stage = this.#engine.stage[node];
    const doing = this.#doing(node, stage === STAGE.draining ? "DRAINING" : "SERVING");
    this.#deliver((now) => report(this.ledger, this.#node(node), pulseEvent(this.#speak(node), doing), now));
  }

  appeared(node: number): void {
    this.#boot[node] = (this.#boot[node] as number) + 1;
    const stage = this.#engine.stage[node];
    const works = stage === STAGE.old || stage === STAGE.done;
    const doing = this.#doing(node, works ? "SERVING" : "STARTING");
    this.#deliver((now) => report(this.ledger, this.#node(node), pulseEvent(this.#speak(node), doing), now));
  }

  vanished(node: number, sinceMs: number): void {
    this.#deliver((now) => vanish(this.ledger, this.#node(node), EPOCH_MS + sinceMs, now));
  }

  idleAsk(node: number): void {
    const done = this.#engine.stage[node] === STAGE.done && this.#reverted[node] === 0;
    this.#ask(
      node,
      { running: done ? RUNNING_NEW : RUNNING_OLD, permitId: "", drained: false },
      this.#doing(node, "SERVING"),
    );
  }

  ask(node: number): boolean {
    const doing = this.#doing(node, "SERVING");
    const told = { running: RUNNING_OLD, permitId: this.#permitId[node] as string, drained: false };
    let verdict = this.#ask(node, told, doing);
    if (verdict?.decision === "PREPARE") {
      this.#staged[node] = 1;
      verdict = this.#ask(node, told, doing);
    }
    if (verdict?.decision !== "GO") {
      if (verdict !== undefined) this.#permitId[node] = "";
      return false;
    }
    this.#permitId[node] = verdict.permit.permitId;
    return true;
  }

  drained(node: number): boolean {
    const told = { running: RUNNING_OLD, permitId: this.#permitId[node] as string, drained: true };
    for (let attempt = 0; attempt < REASK_TRIES; attempt += 1) {
      const verdict = this.#ask(node, told, this.#doing(node, "DRAINING"));
      if (verdict === undefined) continue;
      if (verdict.decision === "GO" && verdict.permit.phase === "AWAY") return true;
      break;
    }
    this.#permitId[node] = "";
    const doing = this.#doingAgain(node);
    this.#deliver((now) => report(this.ledger, this.#node(node), pulseEvent(this.#speak(node), doing), now));
    return false;
  }

  returned(node: number, _nowMs: number, reverted: boolean): void {
    const permitId = this.#permitId[node] as string;
    const doing = this.#doing(node, "SERVING");
    if (reverted) this.#reverted[node] = 1;
    this.#permitId[node] = "";
    // Steps of a move are repeated until they are acknowledged.
    this.#deliverSurely((now) =>
      report(this.ledger, this.#node(node), returnedEvent(this.#speak(node), permitId, doing), now),
    );
    this.#deliverSurely((now) => {
      const move = { permitId, reverted, atMs: now };
      return report(this.ledger, this.#node(node), outcomeEvent(this.#speak(node), move, doing), now);
    });
  }

  #ask(
    node: number,
    told: { readonly running: Node["running"] & object; readonly permitId: string; readonly drained: boolean },
    doing: Situation,
  ): ReturnType<typeof ask>["answer"] | undefined {
    this.#permits += 1;
    const full = {
      ...told,
      staged: this.#staged[node] === 1,
      denied: this.#reverted[node] === 1,
      freshPermitId: told.running === RUNNING_NEW ? "" : `p${this.#permits}`,
    };
    const event = askEvent(this.#speak(node), full, doing);
    return this.#deliver((now) => ask(this.ledger, this.#node(node), event, now))?.answer;
  }

  /** Carries a message there and the answer back; either may be lost, and a message may arrive twice. */
  #deliver<T>(message: (now: number) => T): T | undefined {
    const { messagesLost, messagesDoubled } = this.#engine.world.options.faults;
    const now = this.#now();
    if (messagesLost === 0 && messagesDoubled === 0) {
      const answer = message(now);
      this.#watch?.(this.ledger, now);
      return answer;
    }
    if (this.#draw() < messagesLost) return undefined;
    let answer = message(now);
    if (this.#draw() < messagesDoubled) answer = message(now);
    this.#watch?.(this.ledger, now);
    return this.#draw() < messagesLost ? undefined : answer;
  }

  #deliverSurely(message: (now: number) => object): void {
    while (this.#deliver(message) === undefined);
  }

  #draw(): number {
    const { options, fleet } = this.#engine.world;
    return uniform(options.seed, STREAM.message, fleet.poolOffset, this.#messages++);
  }

  #doing(node: number, workState: Situation["workState"]): Situation {
    return this.#claim(node, this.#engine.loadOf(node), workState);
  }

  /** What a node will work at that takes up its work again. */
  #doingAgain(node: number): Situation {
    const { poolOf, capacity } = this.#engine.world.fleet;
    const pool = poolOf[node] as number;
    const units = capacity[node] as number;
    const share = this.#engine.demandNow(pool) / ((this.#engine.serving[pool] as number) + units);
    return this.#claim(node, Math.min(1, share) * units, "SERVING");
  }

  #claim(node: number, load: number, workState: Situation["workState"]): Situation {
    const units = this.#engine.world.fleet.capacity[node] as number;
    const liar = this.#liar[node] === 1;
    return situation(liar ? units * 2 : units, liar ? load / 2 : load, workState);
  }

  #speak(node: number): Speaker {
    const sequence = (this.#sequence[node] as number) + 1;
    this.#sequence[node] = sequence;
    return { nodeId: this.#names[node] as string, bootId: this.#bootName(node), sequence };
  }

  #bootName(node: number): string {
    const boot = this.#boot[node] as number;
    return (BOOT_NAMES[boot] ??= `${boot}`);
  }

  #node(node: number): Node {
    return this.#nodes[node] as Node;
  }

  #now(): number {
    return EPOCH_MS + this.#engine.nowMs;
  }

  #restart(): void {
    this.ledger = restarted(this.ledger, this.#now());
    this.#findNodes();
    this.#planRestart(this.#engine.nowMs);
  }

  #findNodes(): void {
    this.#nodes.length = 0;
    for (const node of this.ledger.nodes.values()) this.#nodes.push(node);
    this.#names = this.#nodes.map(({ identity }) => identity.nodeId);
  }

  #planRestart(fromMs: number): void {
    const { faults, seed } = this.#engine.world.options;
    if (faults.restartEveryHours <= 0) return;
    this.#restarts += 1;
    const hours = exponential(faults.restartEveryHours, seed, STREAM.restart, 0, this.#restarts);
    this.#nextRestartMs = fromMs + hours * 3_600_000;
  }
}
