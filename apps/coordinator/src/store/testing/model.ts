/**
 * What a store should hold, as plain maps, one change after another. Written from the port's words alone: it shares nothing
 * with the engines that it judges.
 */
import { type Node, hostFacts } from "@moult/policy";
import type { Snapshot, StoreChange } from "../port.ts";
import { recordOf } from "./changes.ts";

/** Of so many events the newest are kept. */
const EVENTS_MAX = 10_000;

/** A leaf as the model expects it in a pool's log. */
export interface ExpectedLeaf {
  readonly poolId: string;
  readonly seq: number;
  readonly kind: string;
}

/** The model. */
export class Model {
  readonly #nodes = new Map<string, { readonly identity: unknown; state?: unknown }>();
  readonly #permits = new Map<string, { readonly permitId: string }>();
  readonly #releases = new Map<string, { readonly releaseCounter: number }>();
  readonly #dials = new Map<string, unknown>();
  readonly #overrides = new Map<string, unknown>();
  readonly #tokens = new Map<string, unknown>();
  readonly #requests = new Map<string, { readonly response: Uint8Array }>();
  readonly #demand = new Map<string, number>();
  readonly #metadata = new Map<string, { readonly bytes: Uint8Array }>();
  readonly #brakes = new Map<string, { readonly statement: Uint8Array }>();
  readonly #events = new Map<number, unknown>();
  #brake: unknown;
  #tally: unknown;
  readonly leaves: ExpectedLeaf[] = [];

  apply(changes: readonly StoreChange[]): void {
    for (const change of changes) this.#one(change);
  }

  /** As text with sorted lists: two that hold the same are the same. */
  toString(): string {
    return canonical({
      nodes: [...this.#nodes.values()].map(({ identity, state }) => ({ identity, state })),
      permits: [...this.#permits.values()],
      releases: [...this.#releases.values()],
      dials: [...this.#dials.values()],
      overrides: [...this.#overrides.values()],
      tokens: [...this.#tokens.values()],
      requests: [...this.#requests.values()].map((r) => ({ ...r, response: [...r.response] })),
      demand: [...this.#demand],
      brake: this.#brake,
      tally: this.#tally,
      metadata: { inOrder: [...this.#metadata.values()].map((file) => ({ ...file, bytes: [...file.bytes] })) },
      brakes: [...this.#brakes.values()].map((brake) => ({ ...brake, statement: [...brake.statement] })),
      events: { inOrder: [...this.#events].toSorted(([a], [b]) => a - b).map(([, event]) => event) },
    });
  }

  #log(poolId: string, kind: string): void {
    const seq = this.leaves.filter((leaf) => leaf.poolId === poolId).length + 1;
    this.leaves.push({ poolId, seq, kind });
  }

  #endPermit(permitId: string): void {
    for (const [nodeId, held] of this.#permits) if (held.permitId === permitId) this.#permits.delete(nodeId);
  }

  #one(change: StoreChange): void {
    switch (change.kind) {
      case "enrolled": {
        const { identity } = change;
        if (!this.#nodes.has(identity.nodeId)) this.#nodes.set(identity.nodeId, { identity });
        return this.#log(identity.poolId, change.kind);
      }
      case "node": {
        const known = this.#nodes.get(change.nodeId);
        if (known !== undefined) known.state = JSON.parse(change.state);
        return;
      }
      case "permit":
        this.#endPermit(change.permit.permitId);
        this.#permits.set(change.permit.nodeId, change.permit);
        return this.#log(change.permit.poolId, change.kind);
      case "permit-ended":
        this.#endPermit(change.permit.permitId);
        return this.#log(change.permit.poolId, change.kind);
      case "outcome":
      case "quarantined":
      case "readmitted":
        return this.#log(change.poolId, change.kind);
      case "release":
        this.#releases.set(change.release.version, change.release);
        return this.#log("*", change.kind);
      case "dial":
        this.#dials.set(change.dial.version, dialText(change.dial));
        return this.#log("*", change.kind);
      case "override":
        this.#overrides.set(change.override.overrideId, change.override);
        return this.#log(change.override.poolId, change.kind);
      case "override-ended":
        this.#overrides.delete(change.override.overrideId);
        return this.#log(change.override.poolId, change.kind);
      case "brake":
        this.#brake = change.brake;
        return this.#log("*", change.kind);
      case "token":
        this.#tokens.set(change.token.tokenHash, change.token);
        return this.#log("*", change.kind);
      case "manifest":
        return;
      case "metadata":
        this.#metadata.delete(`${change.file.role} ${change.file.version}`);
        this.#metadata.set(`${change.file.role} ${change.file.version}`, change.file);
        return this.#log("*", change.kind);
      case "metadata-dropped":
        this.#metadata.delete(`${change.file.role} ${change.file.version}`);
        return;
      case "brake-statement":
        this.#brakes.set(change.brake.digest, change.brake);
        return this.#log("*", change.kind);
      case "event":
        this.#events.set(change.event.eventId, change.event);
        for (const eventId of this.#events.keys()) {
          if (eventId <= Math.max(...this.#events.keys()) - EVENTS_MAX) this.#events.delete(eventId);
        }
        return this.#log(change.event.poolId === "" ? "*" : change.event.poolId, change.kind);
      case "request":
        if (!this.#requests.has(change.request.requestId)) this.#requests.set(change.request.requestId, change.request);
        return;
      case "totals":
        for (const [poolId, demand] of change.demandByPool) this.#demand.set(poolId, demand);
        this.#tally = change.tally;
    }
  }
}

/** A snapshot in the model's words. Nodes that never spoke stand with their identity alone. */
export function textOf(snapshot: Snapshot, spoke: ReadonlySet<string>): string {
  const nodeText = (node: Node): unknown => {
    const { identity, situation, ...rest } = recordOf(node);
    const { host: _host, osRelease: _release, ...said } = situation;
    const state = { ...rest, situation: { ...said, host: hostFacts(situation) } };
    return { identity, state: spoke.has(node.nodeId) ? state : undefined };
  };
  return canonical({
    nodes: snapshot.nodes.map(nodeText),
    permits: snapshot.permits,
    releases: snapshot.releases,
    dials: snapshot.dials.map(dialText),
    overrides: snapshot.overrides,
    tokens: snapshot.tokens,
    requests: snapshot.requests.map((request) => ({ ...request, response: [...request.response] })),
    demand: [...snapshot.demandByPool],
    brake: snapshot.brake,
    tally: snapshot.tally,
    metadata: { inOrder: snapshot.metadata.map((file) => ({ ...file, bytes: [...file.bytes] })) },
    brakes: snapshot.brakeStatements.map((brake) => ({ ...brake, statement: [...brake.statement] })),
    events: { inOrder: snapshot.events },
  });
}

function dialText(dial: Snapshot["dials"][number]): unknown {
  return {
    ...dial,
    setting: dial.setting.kind === "named" ? { ...dial.setting, nodes: [...dial.setting.nodes] } : dial.setting,
  };
}

function canonical(parts: Readonly<Record<string, unknown>>): string {
  const sorted = Object.entries(parts).map(([name, part]) => [
    name,
    Array.isArray(part) ? part.map(ordered).toSorted() : part === undefined ? "none" : ordered(part),
  ]);
  return JSON.stringify(sorted, undefined, 1);
}

/** JSON with its keys in order. */
function ordered(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
