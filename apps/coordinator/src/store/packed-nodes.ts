/**
 * Stored nodes on their way from the thread that reads them to the thread that keeps them: rows of the ledger's own table,
 * whose numbers change hands without a copy. Nodes that have something alike share one value of it, in a block and again
 * where blocks come together, so that a million nodes that run one build share one word for it. It decides nothing; what was written is believed.
 */
import {
  Alike,
  type Columns,
  type Manner,
  type Node,
  type NodeIdentity,
  type NodeOrigin,
  type NodeRunning,
  NodeView,
  type Rest,
  columnsFor,
  hostNumbers,
  originOf,
} from "@moult/policy";
import type { NodeState } from "./rows.ts";

/** Some nodes, as a block of rows. */
export interface PackedNodes {
  readonly nodeIds: readonly string[];
  readonly columns: Columns;
  /** Of the few nodes that have what hardly any has. */
  readonly rests: readonly (readonly [at: number, rest: Rest])[];
}

/** An identity as it is stored. */
type StoredIdentity = Omit<NodeIdentity, "publicKey"> & Partial<Pick<NodeIdentity, "publicKey">>;

/** Packs rows; one for all blocks of a load. */
export class Packer {
  readonly #origins = new Alike<NodeOrigin>();
  readonly #runnings = new Alike<NodeRunning>();
  readonly #manners = new Alike<Manner>();

  /** Packs rows of identity and state, both as they are stored. */
  pack(rows: readonly (readonly [identity: string, state: string | null])[]): PackedNodes {
    const columns = columnsFor(rows.length);
    const nodeIds: string[] = [];
    const rests: (readonly [number, Rest])[] = [];
    for (const [at, [identityText, stateText]] of rows.entries()) {
      // A row that an earlier version wrote may lack what it did not know.
      const identity: NodeIdentity = { publicKey: "", ...(JSON.parse(identityText) as StoredIdentity) };
      const node = NodeView.enrol(columns, at, identity, originOf(this.#origins, identity));
      nodeIds.push(identity.nodeId);
      if (stateText !== null) this.#fill(node, JSON.parse(stateText) as Partial<NodeState>, columns, at);
      if (node.rest !== undefined) rests.push([at, node.rest]);
    }
    return { nodeIds, columns, rests };
  }

  #fill(node: NodeView, state: Partial<NodeState>, columns: Columns, at: number): void {
    const { running, situation } = state;
    node.bootId = state.bootId ?? "";
    node.sequence = state.sequence ?? 0;
    node.orderedSequence = state.orderedSequence ?? 0;
    node.bootHeardAtMs = state.bootHeardAtMs ?? 0;
    node.lost = state.lost ?? false;
    node.lastVerdict = state.lastVerdict;
    node.formerBootIds = state.formerBootIds ?? [];
    node.rival = state.rival;
    node.quarantine = state.quarantine;
    node.lastOutcome = state.lastOutcome;
    node.lastOutcomeKey = state.lastOutcomeKey ?? "";
    node.deniedDigests = state.deniedDigests ?? [];
    if (running !== undefined) {
      const { version, digest, releaseCounter, platform } = running;
      const text = `${digest} ${releaseCounter} ${platform.os} ${platform.arch} ${version}`;
      node.running = this.#runnings.one(text, () => running);
    }
    if (situation === undefined) return;
    const { host, ...said } = situation;
    node.situation = { ...said, host: hostNumbers(host), osRelease: host.osRelease ?? "" };
    const manner = columns.manners[at] as Manner;
    const { shards, workState, interruptible, osRelease } = manner;
    const text = shards.length === 0 ? `${workState} ${interruptible} ${osRelease}` : JSON.stringify(manner);
    columns.manners[at] = this.#manners.one(text, () => ({ shards, workState, interruptible, osRelease }));
  }
}

/** Unpacks blocks, of one packer or of several; one for all of a load. */
export class Unpacker {
  readonly #origins = new Alike<NodeOrigin>();
  readonly #runnings = new Alike<NodeRunning>();
  readonly #manners = new Alike<Manner>();

  /** The nodes of a block, whose rows are theirs from now on. */
  unpack({ nodeIds, columns, rests }: PackedNodes): readonly Node[] {
    share(columns.origins, this.#origins);
    share(columns.runnings, this.#runnings);
    share(columns.manners, this.#manners);
    const others = new Map(rests);
    return nodeIds.map((nodeId, at) => new NodeView(columns, at, nodeId, others.get(at)));
  }
}

/** Puts the one value in place of each that is alike. What comes from another thread is alike by its text only. */
function share<T>(values: (T | undefined)[], alike: Alike<T>): void {
  const ones = new Map<T, T>();
  for (const [at, value] of values.entries()) {
    if (value === undefined) continue;
    let one = ones.get(value);
    if (one === undefined) ones.set(value, (one = alike.one(JSON.stringify(value), () => value)));
    values[at] = one;
  }
}
