/** Asks the coordinator how the fleet is, a few times a second, and goes on doing so across its restarts. */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClient, parseName, secureChannel } from "@moult/contracts";
import {
  Decision,
  FleetService,
  type Node,
  NodeState,
  OutcomeKind,
  Reason,
  type WatchFleetResponse,
} from "@moult/contracts/v1";
import type { CoordinatorAccess } from "../router/membership.ts";
import { GrowingCount, NOTHING_TOLD, type Told, type ToldNode } from "./told.ts";

/** Between two questions, in milliseconds. */
const EVERY_MS = 400;
/** An answer that takes longer is asked for anew, in milliseconds. */
const TIMEOUT_MS = 2000;
/** More nodes than a demo has. */
const PAGE_SIZE = 1000;
/** Before a coordinator that went away is tried again, in milliseconds: it is back within a second. */
const RETRY_MS = 300;

/** Keeps `latest` up to date. */
export class FleetListener {
  readonly #client: Client<typeof FleetService>;
  readonly #bearer: string;
  readonly #signal: AbortSignal;
  readonly #allowlist = new GrowingCount();
  readonly #dial = new GrowingCount();
  readonly #capacity = new GrowingCount();
  #told: Told = NOTHING_TOLD;

  static async open(access: CoordinatorAccess, signal: AbortSignal): Promise<FleetListener> {
    const [ca, token] = await Promise.all([readFile(access.caFile), readFile(access.tokenFile, "utf8")]);
    const secure = secureChannel(access.address, ca);
    const client = createClient(FleetService, access.address, secure.credentials, {
      ...secure.options,
      "grpc.initial_reconnect_backoff_ms": RETRY_MS,
      "grpc.max_reconnect_backoff_ms": RETRY_MS,
    });
    return new FleetListener(client, token.trim(), signal);
  }

  private constructor(client: Client<typeof FleetService>, bearer: string, signal: AbortSignal) {
    this.#client = client;
    this.#bearer = bearer;
    this.#signal = signal;
    signal.addEventListener("abort", () => client.close(), { once: true });
    void this.#repeat(() => this.#askNodes(), EVERY_MS);
    void this.#repeat(() => this.#followNumbers(), RETRY_MS);
  }

  /** What was last told. */
  get latest(): Told {
    return this.#told;
  }

  async #askNodes(): Promise<void> {
    const call = { bearer: this.#bearer, timeoutMs: TIMEOUT_MS };
    const { nodes } = await this.#client.listNodes({ pageSize: PAGE_SIZE }, call);
    this.#told = { ...this.#told, nodes: nodes.map(fromWire) };
  }

  async #followNumbers(): Promise<void> {
    for await (const message of this.#client.watchFleet({}, { bearer: this.#bearer, signal: this.#signal })) {
      const { pools, refusalsByGate } = message as WatchFleetResponse;
      const count = (gate: string): number => Number(refusalsByGate[gate] ?? refusalsByGate[`GATE_${gate}`] ?? 0n);
      this.#told = {
        ...this.#told,
        refusals: {
          allowlist: this.#allowlist.take(count("ALLOWLIST")),
          dial: this.#dial.take(count("DIAL")),
          capacity: this.#capacity.take(count("CAPACITY")),
        },
        demandRps: pools.reduce((sum, pool) => sum + pool.demandRps, 0),
        needRps: pools.reduce((sum, pool) => sum + pool.needRps, 0),
      };
    }
  }

  /** A coordinator that does not answer is asked again; meanwhile what it last said stands. */
  async #repeat(step: () => Promise<void>, pauseMs: number): Promise<void> {
    while (!this.#signal.aborted) {
      await step().catch(() => undefined);
      await delay(pauseMs, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }
}

function fromWire(node: Node): ToldNode {
  const { lastVerdict, lastOutcome, situation } = node;
  return {
    node: parseName("nodes", node.name) ?? node.name,
    box: node.labels["box"] ?? "",
    state: NodeState[node.state] ?? "LOST",
    version: node.version,
    loadRps: situation?.loadRps ?? 0,
    capacityRps: situation?.capacityRps ?? 0,
    stayReason: lastVerdict?.decision === Decision.STAY ? (Reason[lastVerdict.reason] ?? "") : "",
    outcome: lastOutcome === undefined ? "" : (OutcomeKind[lastOutcome.kind] ?? ""),
    outcomeDigest: lastOutcome?.targetDigest ?? "",
    outcomeMessage: lastOutcome?.message ?? "",
  };
}
