/**
 * What a plain coordinator knows of each pool: who is up as far as it has noticed, and who is on leave. The simple policies
 * stand on it; the product's ledger does not.
 */
import type { Running } from "../engine/running.ts";
import type { Controller } from "../engine/controller.ts";

/** The books, and a controller that keeps them and leaves only the question open. */
export abstract class Books implements Controller {
  readonly engine: Running;
  readonly hears: boolean = false;
  /** 1 where the node is known to be up. */
  readonly known: Uint8Array;
  readonly onLeave: Uint8Array;
  /** Capacity and nodes that are known to be up and not on leave, by pool. */
  readonly capacity: Float64Array;
  readonly ready: Int32Array;
  readonly leaves: Int32Array;
  leavesInAll = 0;

  constructor(engine: Running) {
    const { nodes, pools, poolOf } = engine.world.fleet;
    this.engine = engine;
    this.known = new Uint8Array(nodes).fill(1);
    this.onLeave = new Uint8Array(nodes);
    this.capacity = new Float64Array(pools);
    this.ready = new Int32Array(pools);
    this.leaves = new Int32Array(pools);
    for (let node = 0; node < nodes; node += 1) this.#count(poolOf[node] as number, node, 1);
  }

  /** The policy's own question. */
  abstract mayLeave(node: number, pool: number, nowMs: number): boolean;

  ask(node: number, nowMs: number): boolean {
    const pool = this.engine.world.fleet.poolOf[node] as number;
    this.appeared(node);
    if (!this.mayLeave(node, pool, nowMs)) return false;
    this.#count(pool, node, -1);
    this.onLeave[node] = 1;
    this.leaves[pool] = (this.leaves[pool] as number) + 1;
    this.leavesInAll += 1;
    return true;
  }

  drained(): boolean {
    return true;
  }

  returned(node: number): void {
    const pool = this.engine.world.fleet.poolOf[node] as number;
    this.onLeave[node] = 0;
    this.known[node] = 1;
    this.leaves[pool] = (this.leaves[pool] as number) - 1;
    this.leavesInAll -= 1;
    this.#count(pool, node, 1);
  }

  vanished(node: number): void {
    if (this.onLeave[node] === 1 || this.known[node] === 0) return;
    this.known[node] = 0;
    this.#count(this.engine.world.fleet.poolOf[node] as number, node, -1);
  }

  appeared(node: number): void {
    if (this.onLeave[node] === 1 || this.known[node] === 1) return;
    this.known[node] = 1;
    this.#count(this.engine.world.fleet.poolOf[node] as number, node, 1);
  }

  minute(_minute: number): void {}
  pulse(): void {}
  idleAsk(): void {}

  #count(pool: number, node: number, by: number): void {
    this.capacity[pool] = (this.capacity[pool] as number) + by * (this.engine.world.fleet.capacity[node] as number);
    this.ready[pool] = (this.ready[pool] as number) + by;
  }
}
