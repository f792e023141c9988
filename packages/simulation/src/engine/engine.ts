/**
 * Runs one policy in one world: nodes go down and come up, ask, drain, update and return. It knows the truth and tells a
 * policy only what a coordinator would hear; the referee watches the truth.
 */
import { STREAM, uniform } from "../random.ts";
import { MINUTE_MS } from "../world/options.ts";
import { type World, drainMs, pullMs, updateMs } from "../world/world.ts";
import { Carousel } from "./carousel.ts";
import type { Controller, Policy } from "./controller.ts";
import { EventQueue } from "./queue.ts";
import { Referee } from "./referee.ts";
import { type Running, STAGE } from "./running.ts";

const KIND = { flip: 0, ask: 1, drained: 2, updated: 3, notice: 4 } as const;

/** A node that vanished is noticed after two minutes. */
const NOTICE_MS = 2 * MINUTE_MS;
/** A node that was refused asks again after 4 to 6 minutes; the first ask comes within 5. */
const RETRY = { leastMs: 4 * MINUTE_MS, spreadMs: 2 * MINUTE_MS, firstMs: 5 * MINUTE_MS };

/** The engine. */
export class Engine implements Running {
  readonly world: World;
  readonly startMs: number;
  readonly stage: Uint8Array;
  readonly up: Uint8Array;
  /** When the node left, or NaN. */
  readonly leftMs: Float64Array;
  /** When the node's move was done; Infinity before. */
  readonly doneMs: Float64Array;
  /** Moves begun, for the draws of their durations. */
  readonly attempt: Uint16Array;
  /** Capacity that serves now, by pool. */
  readonly serving: Float64Array;
  /** Capacity that is up or would be, were nobody on leave, by pool. */
  readonly upAll: Float64Array;
  readonly referee: Referee;
  /** Asks and refusals so far. */
  asks = 0;
  refusals = 0;
  doneCount = 0;
  nowMs = 0;
  minuteNow = 0;
  readonly #controller: Controller;
  readonly #queue = new EventQueue();
  readonly #pulses: Carousel;
  readonly #idleAsks: Carousel;
  readonly #nextFlip: Int32Array;
  readonly #dueMs: Float64Array;
  readonly #tries: Uint16Array;
  /** When the node's one pending ask is due; an event of another time is void. */
  readonly #askAtMs: Float64Array;

  constructor(world: World, policy: Policy) {
    const { nodes, pools, offset } = world.fleet;
    const { seed, pulseEveryMs, idleAskEveryMs } = world.options;
    this.world = world;
    this.startMs = world.startMinute * MINUTE_MS;
    this.stage = new Uint8Array(nodes);
    this.up = new Uint8Array(nodes).fill(1);
    this.leftMs = new Float64Array(nodes).fill(Number.NaN);
    this.doneMs = new Float64Array(nodes).fill(Number.POSITIVE_INFINITY);
    this.attempt = new Uint16Array(nodes);
    this.serving = new Float64Array(pools);
    this.upAll = new Float64Array(pools);
    this.#nextFlip = world.sessions.first.slice(0, nodes);
    this.#dueMs = new Float64Array(nodes);
    this.#tries = new Uint16Array(nodes);
    this.#askAtMs = new Float64Array(nodes);
    for (let node = 0; node < nodes; node += 1) this.#count(node, 1, 1);
    this.referee = new Referee(this);
    this.#controller = policy.begin(this);
    this.#pulses = new Carousel(nodes, this.#controller.hears ? pulseEveryMs : 0, {
      seed,
      stream: STREAM.pulsePhase,
      offset,
    });
    this.#idleAsks = new Carousel(nodes, idleAskEveryMs, { seed, stream: STREAM.askPhase, offset });
    for (let node = 0; node < nodes; node += 1) {
      this.#scheduleFlip(node);
      if (world.alreadyDone?.[node] === 1) {
        this.stage[node] = STAGE.done;
        this.doneMs[node] = 0;
        this.doneCount += 1;
        continue;
      }
      const first = uniform(seed, STREAM.askPhase, node + offset, 1) * RETRY.firstMs;
      const pulled = world.options.prepare ? pullMs(world, node) : 0;
      this.#askAt(node, this.startMs + Math.floor(first) + pulled);
    }
  }

  /** Runs until a minute, or, where `untilDone`, until every node is done. */
  run(untilMinute: number, untilDone: boolean): void {
    const endMs = untilMinute * MINUTE_MS;
    while (this.minuteNow * MINUTE_MS < endMs) {
      this.nowMs = this.minuteNow * MINUTE_MS;
      this.#minute();
      const nextMinuteMs = Math.min(endMs, (this.minuteNow + 1) * MINUTE_MS);
      this.#until(nextMinuteMs);
      this.minuteNow += 1;
      if (untilDone && this.doneCount === this.world.fleet.nodes) return;
    }
  }

  /** Demand on a pool in this minute. */
  demandNow(pool: number): number {
    return (this.world.demand[pool] as Float64Array)[this.minuteNow] as number;
  }

  /** What a node works at now: its share of the demand by its capacity, at most what it can. */
  loadOf(node: number): number {
    if (!this.serves(node)) return 0;
    const pool = this.world.fleet.poolOf[node] as number;
    const capacity = this.world.fleet.capacity[node] as number;
    return Math.min(1, this.demandNow(pool) / (this.serving[pool] as number)) * capacity;
  }

  /** Whether the node serves. */
  serves(node: number): boolean {
    const stage = this.stage[node];
    return this.up[node] === 1 && stage !== STAGE.draining && stage !== STAGE.away;
  }

  #minute(): void {
    this.referee.minute(this.minuteNow);
    this.#controller.minute(this.minuteNow);
  }

  #until(limitMs: number): void {
    const pulses = this.#pulses;
    const idle = this.#idleAsks;
    for (;;) {
      const queued = this.#queue.nextMs;
      const nextMs = Math.min(queued, pulses.nextMs, idle.nextMs);
      if (nextMs >= limitMs) return;
      this.nowMs = nextMs;
      if (queued === nextMs) this.#handle(this.#queue.take());
      else if (pulses.nextMs === nextMs) this.#pulse(pulses.take());
      else this.#idleAsk(idle.take());
    }
  }

  #pulse(node: number): void {
    if (this.up[node] === 1 && this.stage[node] !== STAGE.away) this.#controller.pulse(node, this.nowMs);
  }

  #idleAsk(node: number): void {
    if (this.up[node] === 0) return;
    const stage = this.stage[node];
    if (stage === STAGE.done || (stage === STAGE.old && this.nowMs < this.startMs)) {
      this.asks += 1;
      this.#controller.idleAsk(node, this.nowMs);
    }
  }

  #handle(event: number): void {
    const kind = event % 8;
    const node = (event - kind) / 8;
    switch (kind) {
      case KIND.flip:
        return this.#flip(node);
      case KIND.ask:
        if (this.#askAtMs[node] === this.nowMs) this.#ask(node);
        return;
      case KIND.drained:
        if (this.stage[node] === STAGE.draining && this.#dueMs[node] === this.nowMs) this.#drained(node);
        return;
      case KIND.updated:
        if (this.stage[node] === STAGE.away && this.#dueMs[node] === this.nowMs) this.#updated(node);
        return;
      default:
        if (this.up[node] === 0) this.#controller.vanished(node, this.nowMs - NOTICE_MS);
    }
  }

  #flip(node: number): void {
    const flip = (this.#nextFlip[node] as number) - 1;
    if (this.up[node] === 1) {
      const byOutage = this.world.sessions.byOutage[flip] === 1;
      if (this.serves(node)) this.referee.vanished(node, byOutage);
      this.#count(node, -1, this.serves(node) ? -1 : 0);
      this.up[node] = 0;
      this.#queue.add(this.nowMs + NOTICE_MS, KIND.notice, node);
    } else {
      this.up[node] = 1;
      this.#count(node, 1, this.serves(node) ? 1 : 0);
      this.#comeUp(node);
    }
    this.#scheduleFlip(node);
  }

  #comeUp(node: number): void {
    const overdue = (this.#dueMs[node] as number) <= this.nowMs;
    if (this.stage[node] === STAGE.draining && overdue) return this.#drained(node);
    if (this.stage[node] === STAGE.away && overdue) return this.#updated(node);
    this.#controller.appeared(node, this.nowMs);
    if (this.stage[node] === STAGE.old && this.nowMs >= this.startMs) this.#askLater(node);
  }

  #ask(node: number): void {
    if (this.up[node] === 0 || this.stage[node] !== STAGE.old) return;
    this.asks += 1;
    if (!this.#controller.ask(node, this.nowMs)) {
      this.refusals += 1;
      this.#askLater(node);
      return;
    }
    this.#count(node, 0, -1);
    this.stage[node] = STAGE.draining;
    this.leftMs[node] = this.nowMs;
    this.referee.left(node);
    this.#due(node, KIND.drained, drainMs(this.world, node, this.attempt[node] as number));
  }

  #drained(node: number): void {
    if (this.up[node] === 0) return;
    this.asks += 1;
    if (this.#controller.drained(node, this.nowMs)) {
      this.stage[node] = STAGE.away;
      this.#due(node, KIND.updated, updateMs(this.world, node, this.attempt[node] as number));
      return;
    }
    this.refusals += 1;
    this.#serveAgain(node, STAGE.old);
    this.#askLater(node);
  }

  #updated(node: number): void {
    if (this.up[node] === 0) return;
    const { options, fleet } = this.world;
    const attempt = this.attempt[node] as number;
    const reverted = uniform(options.seed, STREAM.failure, node + fleet.offset, attempt) < options.faults.reverts;
    this.#serveAgain(node, STAGE.done);
    this.doneMs[node] = this.nowMs;
    this.doneCount += 1;
    this.#controller.returned(node, this.nowMs, reverted);
  }

  #serveAgain(node: number, stage: number): void {
    this.stage[node] = stage;
    this.leftMs[node] = Number.NaN;
    this.attempt[node] = (this.attempt[node] as number) + 1;
    this.#count(node, 0, 1);
    this.referee.cameBack(node);
  }

  #askLater(node: number): void {
    const tries = (this.#tries[node] = ((this.#tries[node] as number) + 1) & 0xffff);
    const { options, fleet } = this.world;
    const wait = RETRY.leastMs + uniform(options.seed, STREAM.retry, node + fleet.offset, tries) * RETRY.spreadMs;
    this.#askAt(node, this.nowMs + Math.floor(wait));
  }

  #askAt(node: number, atMs: number): void {
    this.#askAtMs[node] = atMs;
    this.#queue.add(atMs, KIND.ask, node);
  }

  #due(node: number, kind: number, afterMs: number): void {
    this.#dueMs[node] = this.nowMs + afterMs;
    this.#queue.add(this.nowMs + afterMs, kind, node);
  }

  #scheduleFlip(node: number): void {
    const { first, atMs } = this.world.sessions;
    const flip = this.#nextFlip[node] as number;
    if (flip >= (first[node + 1] as number)) return;
    this.#nextFlip[node] = flip + 1;
    this.#queue.add(atMs[flip] as number, KIND.flip, node);
  }

  #count(node: number, up: number, serving: number): void {
    const { poolOf, capacity } = this.world.fleet;
    const pool = poolOf[node] as number;
    const units = capacity[node] as number;
    this.upAll[pool] = (this.upAll[pool] as number) + up * units;
    this.serving[pool] = (this.serving[pool] as number) + serving * units;
  }
}
