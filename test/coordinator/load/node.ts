/**
 * A node that lives as fast as it can: it pulses, asks for leave, departs, comes back, over whichever coordinator it happens
 * to reach, and keeps every word that was acknowledged. What it was not answered it says again, as devices do.
 */
import { Decision, OutcomeKind, PermitPhase, NodeState, type Verdict, WorkState } from "@moult/contracts/v1";
import { status } from "@grpc/grpc-js";
import { WORKING, TestDevice, type SituationWords, digestFor } from "../../../apps/coordinator/src/testing/device.ts";
import type { Clients } from "../../../apps/coordinator/src/testing/clients.ts";
import type { Acknowledged } from "../checker/acknowledged.ts";

/** A call that takes longer goes to another coordinator. */
const CALL_MS = 2_500;

/** What each can carry, in units of work a second. */
export const CAPACITY_RPS = 10;

/** What a node lives in. */
export interface Surroundings {
  /** Whichever coordinator it reaches now. */
  readonly reach: () => Clients | undefined;
  /** Uniform from 0 to 1. */
  readonly random: () => number;
  /** What each of those that serve has to carry, in units of work a second. */
  readonly loadRps: () => number;
  /** The build that it would move to. */
  readonly staged: string;
  readonly acknowledged: (word: Acknowledged) => void;
  /** Told what the node said it carries when it asked for the permit; the least of it where it had to ask again. */
  readonly askedFor: (permitId: string, loadRps: number) => void;
}

type Life =
  | { readonly phase: "SERVING" }
  | { readonly phase: "DRAINING" | "AWAY" | "RETURNED"; readonly permitId: string };

/** The node. */
export class LoadNode {
  readonly device: TestDevice;
  readonly #around: Surroundings;
  #life: Life = { phase: "SERVING" };
  /** Of the asks since the last that was answered. */
  #askedRps = Number.POSITIVE_INFINITY;
  #carriesRps = 0;

  constructor(device: TestDevice, around: Surroundings) {
    this.device = device;
    this.#around = around;
  }

  /** Whether it carries its share of the work. */
  get serves(): boolean {
    return this.#life.phase === "SERVING" || this.#life.phase === "RETURNED";
  }

  /** What it said it carries, where that was answered and nobody has reason to think otherwise; else 0. */
  get carriesRps(): number {
    return this.#life.phase === "SERVING" ? this.#carriesRps : 0;
  }

  get #nodeId(): string {
    return this.device.node.slice("nodes/".length);
  }

  /** Says one thing; whether it was answered. What is refused, or broken off, is said again another time. */
  async step(): Promise<boolean> {
    const clients = this.#around.reach();
    if (clients === undefined) return false;
    this.device.clients = clients;
    this.#carriesRps = 0;
    try {
      await this.#live(clients, this.#life);
      return true;
    } catch (error) {
      const { code } = error as { readonly code?: status };
      if (code === undefined) throw error;
      if (code === status.UNAUTHENTICATED) await this.device.openSession().catch(() => undefined);
      return false;
    }
  }

  async #live(clients: Clients, life: Life): Promise<void> {
    const { random, staged } = this.#around;
    if (life.phase === "SERVING") {
      const situation = this.#situation();
      const { loadRps = 0 } = situation;
      if (random() < 0.4) {
        await this.#report(clients, { case: "pulse", value: { situation } });
      } else {
        this.#askedRps = Math.min(this.#askedRps, loadRps);
        this.#took(await this.#ask(clients, { situation, stagedDigest: staged }), "DRAINING");
        this.#askedRps = Number.POSITIVE_INFINITY;
      }
      this.#carriesRps = loadRps;
      return;
    }
    const { permitId } = life;
    if (life.phase === "DRAINING") {
      const situation = { ...this.#situation(), workState: WorkState.DRAINING, loadRps: 0 };
      const more = { situation, stagedDigest: staged, permitId, drained: true };
      return this.#took(await this.#ask(clients, more), "AWAY");
    }
    if (life.phase === "AWAY" && random() < 0.5) {
      const value = { permitId, phase: PermitPhase.RETURNED, situation: this.#situation(), runningDigest: staged };
      const state = await this.#report(clients, { case: "progress", value });
      if (state !== NodeState.RETURNED) return;
      this.#keep("returned", permitId);
      this.#life = { phase: "RETURNED", permitId };
      return;
    }
    await this.#report(clients, {
      case: "outcome",
      value: {
        permitId,
        targetDigest: staged,
        kind: OutcomeKind.REVERTED,
        situation: this.#situation(),
        runningDigest: digestFor("1.0.0"),
        runningVersion: "1.0.0",
        runningReleaseCounter: 1n,
      },
    });
    this.#keep("ended", permitId);
    this.#life = { phase: "SERVING" };
  }

  /** What an answer to an ask makes of it. */
  #took({ decision, permit }: Verdict, wanted: "DRAINING" | "AWAY"): void {
    if (decision !== Decision.GO || permit === undefined) {
      this.#life = { phase: "SERVING" };
      return;
    }
    const { permitId, phase } = permit;
    this.#keep("granted", permitId);
    if (wanted === "DRAINING") this.#around.askedFor(permitId, this.#askedRps);
    if (phase === PermitPhase.AWAY && wanted === "AWAY") {
      this.#keep("departed", permitId);
      this.#life = { phase: "AWAY", permitId };
    } else {
      this.#life = { phase: "DRAINING", permitId };
    }
  }

  async #ask(clients: Clients, more: Parameters<TestDevice["askRequest"]>[0]): Promise<Verdict> {
    const request = this.device.askRequest(more);
    const { verdict } = await clients.agent.ask(request, this.#session);
    if (verdict === undefined) throw new Error("an answer without a verdict");
    return verdict;
  }

  async #report(clients: Clients, report: Parameters<TestDevice["reportRequest"]>[0]): Promise<NodeState> {
    return (await clients.agent.report(this.device.reportRequest(report), this.#session)).state;
  }

  get #session(): { readonly bearer: string; readonly timeoutMs: number } {
    return { bearer: this.device.token, timeoutMs: CALL_MS };
  }

  /** As one that takes work, or takes it again. */
  #situation(): SituationWords {
    return { ...WORKING, capacityRps: CAPACITY_RPS, loadRps: this.#around.loadRps() };
  }

  #keep(kind: "granted" | "departed" | "returned" | "ended", permitId: string): void {
    this.#around.acknowledged({ kind, permitId, nodeId: this.#nodeId });
  }
}
