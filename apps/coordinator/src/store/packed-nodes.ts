/**
 * Stored nodes on their way from the thread that reads them to the thread that keeps them: columns, of which numbers change
 * hands without a copy, and tables of what many nodes have alike, so that a million nodes that run one build share one word
 * for it. It decides nothing; what was written is believed.
 */
import {
  HOST_NUMBERS,
  type HostNumbers,
  type LastVerdict,
  type Node,
  type NodeIdentity,
  type NodeRunning,
  type Situation,
  hostNumbers,
  newNode,
} from "@moult/policy";
import type { NodeState } from "./rows.ts";

/** What nodes of one pool, model and place have alike. */
type Origin = Pick<NodeIdentity, "poolId" | "model" | "labels" | "domains">;
/** What most nodes say alike of how they work. */
type Manner = Pick<Situation, "shards" | "workState" | "interruptible" | "osRelease">;
type Answer = Omit<LastVerdict, "atMs">;
/** What hardly any node has. */
type Rest = Pick<Node, "formerBootIds" | "rival" | "quarantine" | "lastOutcome" | "lastOutcomeKey" | "deniedDigests">;

/** Some nodes, as columns. Tables go on from chunk to chunk: each brings what the ones before did not. */
export interface PackedNodes {
  readonly count: number;
  readonly nodeIds: readonly string[];
  readonly publicKeys: readonly string[];
  readonly bootIds: readonly string[];
  readonly endpoints: readonly string[];
  /** NUMBERS a node. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** CODES a node: places in the tables, one more than the place where it may be missing. */
  readonly codes: Uint32Array<ArrayBuffer>;
  readonly rests: readonly (readonly [at: number, rest: Rest])[];
  readonly origins: readonly Origin[];
  readonly runnings: readonly NodeRunning[];
  readonly manners: readonly Manner[];
  readonly answers: readonly Answer[];
}

/** enrolled at, sequence, ordered sequence, boot heard at, capacity, load, in flight, answered at; then the host's. */
const OWN_NUMBERS = 8;
const NUMBERS = OWN_NUMBERS + HOST_NUMBERS.length;
/** origin, running, manner, answer, flags. */
const CODES = 5;
const SPOKE = 1;
const LOST = 2;
const HAS_HOST = 4;

/** Values by their text; remembers which were added since they were last taken. */
class Table<T> {
  readonly #places = new Map<string, number>();
  #fresh: T[] = [];

  placeOf(text: string, value: () => T): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    const place = this.#places.size;
    this.#places.set(text, place);
    this.#fresh.push(value());
    return place;
  }

  takeFresh(): readonly T[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}

/** Packs rows; one for all chunks of a load. */
export class Packer {
  readonly #origins = new Table<Origin>();
  readonly #runnings = new Table<NodeRunning>();
  readonly #manners = new Table<Manner>();
  readonly #answers = new Table<Answer>();

  /** Packs rows of identity and state, both as they are stored. */
  pack(rows: readonly (readonly [identity: string, state: string | null])[]): PackedNodes {
    const nodeIds: string[] = [];
    const publicKeys: string[] = [];
    const bootIds: string[] = [];
    const endpoints: string[] = [];
    const numbers = new Float64Array(rows.length * NUMBERS);
    const codes = new Uint32Array(rows.length * CODES);
    const rests: [number, Rest][] = [];
    for (const [at, [identityText, stateText]] of rows.entries()) {
      const identity = JSON.parse(identityText) as NodeIdentity;
      const { poolId, model, labels, domains } = identity;
      nodeIds.push(identity.nodeId);
      publicKeys.push(identity.publicKey);
      numbers[at * NUMBERS] = identity.enrolledAtMs;
      const origin = JSON.stringify([poolId, model, labels, domains]);
      codes[at * CODES] = this.#origins.placeOf(origin, () => ({ poolId, model, labels, domains }));
      // A column that an earlier version wrote may lack what it did not know.
      const state = stateText === null ? undefined : (JSON.parse(stateText) as Partial<NodeState>);
      bootIds.push(state?.bootId ?? "");
      endpoints.push(state?.situation?.endpoint ?? "");
      if (state === undefined) continue;
      this.#state(state, numbers.subarray(at * NUMBERS, (at + 1) * NUMBERS), codes.subarray(at * CODES));
      const rest = restOf(state);
      if (rest !== undefined) rests.push([at, rest]);
    }
    return {
      count: rows.length,
      nodeIds,
      publicKeys,
      bootIds,
      endpoints,
      numbers,
      codes,
      rests,
      origins: this.#origins.takeFresh(),
      runnings: this.#runnings.takeFresh(),
      manners: this.#manners.takeFresh(),
      answers: this.#answers.takeFresh(),
    };
  }

  #state(state: Partial<NodeState>, numbers: Float64Array, codes: Uint32Array): void {
    const { running, situation, lastVerdict } = state;
    numbers[1] = state.sequence ?? 0;
    numbers[2] = state.orderedSequence ?? 0;
    numbers[3] = state.bootHeardAtMs ?? 0;
    let flags = state.lost === true ? LOST : 0;
    if (running !== undefined) {
      const { version, digest, releaseCounter, platform } = running;
      const text = `${digest} ${releaseCounter} ${platform.os} ${platform.arch} ${version}`;
      codes[1] = 1 + this.#runnings.placeOf(text, () => running);
    }
    if (situation !== undefined) {
      flags |= SPOKE;
      numbers[4] = situation.capacityRps;
      numbers[5] = situation.loadRps;
      numbers[6] = situation.inFlight;
      const { shards, workState, interruptible, host } = situation;
      const { osRelease = "" } = host;
      const values = hostNumbers(host);
      if (values.length > 0) {
        flags |= HAS_HOST;
        numbers.set(values, OWN_NUMBERS);
      }
      const text = JSON.stringify([workState, interruptible, osRelease, shards]);
      codes[2] = this.#manners.placeOf(text, () => ({ shards, workState, interruptible, osRelease }));
    }
    if (lastVerdict !== undefined) {
      const { decision, gate, reason, atMs } = lastVerdict;
      numbers[7] = atMs;
      codes[3] = 1 + this.#answers.placeOf(`${decision} ${gate} ${reason}`, () => ({ decision, gate, reason }));
    }
    codes[4] = flags;
  }
}

function restOf(state: Partial<NodeState>): Rest | undefined {
  const { formerBootIds = [], rival, quarantine, lastOutcome, lastOutcomeKey = "", deniedDigests = [] } = state;
  const isPlain =
    formerBootIds.length === 0 &&
    deniedDigests.length === 0 &&
    rival === undefined &&
    quarantine === undefined &&
    lastOutcome === undefined &&
    lastOutcomeKey === "";
  return isPlain ? undefined : { formerBootIds, rival, quarantine, lastOutcome, lastOutcomeKey, deniedDigests };
}

/** Unpacks what one packer packed, in its order. */
export class Unpacker {
  readonly #origins: Origin[] = [];
  readonly #runnings: NodeRunning[] = [];
  readonly #manners: Manner[] = [];
  readonly #answers: Answer[] = [];

  /** The nodes of a chunk. */
  unpack(packed: PackedNodes): readonly Node[] {
    this.#origins.push(...packed.origins);
    this.#runnings.push(...packed.runnings);
    this.#manners.push(...packed.manners);
    this.#answers.push(...packed.answers);
    const nodes = Array.from({ length: packed.count }, (_, at) => this.#node(packed, at));
    for (const [at, rest] of packed.rests) Object.assign(nodes[at] as Node, rest);
    return nodes;
  }

  #node({ nodeIds, publicKeys, bootIds, endpoints, numbers, codes }: PackedNodes, at: number): Node {
    const number = at * NUMBERS;
    const code = at * CODES;
    const { poolId, model, labels, domains } = this.#origins[codes[code] as number] as Origin;
    const nodeId = nodeIds[at] as string;
    const publicKey = publicKeys[at] as string;
    const enrolledAtMs = numbers[number] as number;
    const node = newNode({ nodeId, poolId, publicKey, model, labels, domains, enrolledAtMs });
    const flags = codes[code + 4] as number;
    node.sequence = numbers[number + 1] as number;
    node.orderedSequence = numbers[number + 2] as number;
    node.bootHeardAtMs = numbers[number + 3] as number;
    node.bootId = bootIds[at] as string;
    node.lost = (flags & LOST) !== 0;
    node.running = this.#runnings[(codes[code + 1] as number) - 1];
    if ((flags & SPOKE) !== 0) {
      const { shards, workState, interruptible, osRelease } = this.#manners[codes[code + 2] as number] as Manner;
      const from = number + OWN_NUMBERS;
      node.situation = {
        capacityRps: numbers[number + 4] as number,
        loadRps: numbers[number + 5] as number,
        inFlight: numbers[number + 6] as number,
        shards,
        workState,
        interruptible,
        endpoint: endpoints[at] as string,
        host: (flags & HAS_HOST) === 0 ? NO_HOST : hostOf(numbers, from),
        osRelease,
      };
    }
    const answer = this.#answers[(codes[code + 3] as number) - 1];
    if (answer !== undefined) {
      const { decision, gate, reason } = answer;
      node.lastVerdict = { decision, gate, reason, atMs: numbers[number + 7] as number };
    }
    return node;
  }
}

const NO_HOST: HostNumbers = [];

/** Written out, so that the list has room for these and no more. */
function hostOf(numbers: Float64Array, from: number): HostNumbers {
  const at = (n: number): number => numbers[from + n] as number;
  return [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8)];
}
