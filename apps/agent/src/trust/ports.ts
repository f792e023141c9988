/** What the keeper of trust needs of the world, and what the agent needs of the keeper. Types only. */
import type { MetadataSource } from "@moult/trust/tuf";
import type { OfferedBuild, Refusal, RunningBuild } from "../update/state.ts";
import type { Judgement } from "./gate.ts";

/** One place to have metadata from, for one refresh. */
export interface TrustSource extends MetadataSource {
  /** For the log. */
  readonly name: string;
  /** Signed brakes that it has. Throws whatever it meets. */
  readonly brakes: () => Promise<readonly Uint8Array[]>;
  readonly close: () => void;
}

/** Opens sources; nothing is connected before the first file is fetched. */
export interface TrustSources {
  /** The coordinators, the one that is spoken to first; then mirrors; then the origins of `artifactSources`. */
  readonly open: (artifactSources: readonly string[], signal: AbortSignal) => Iterable<TrustSource>;
}

/** What came with an answer of the coordinator. */
export interface Heard {
  /** Signed brakes, nothing of which was looked at. */
  readonly brakes: readonly Uint8Array[];
  /** Newest timestamp that the coordinator says is published; 0 for none. */
  readonly timestampVersion: number;
  /** The build that is offered, or that leave was given for. */
  readonly target?: OfferedBuild;
  /** Leave was given. */
  readonly leaving: boolean;
  /** Something else was written in this wake: what can wait is not to write too. */
  readonly wrote: boolean;
}

/** The device as a move finds it. */
export interface Stand {
  readonly running: RunningBuild;
  readonly denied: readonly string[];
}

/** What the agent asks of the keeper. */
export interface Trust {
  /** Version of the newest timestamp that was verified; 0 for none. */
  readonly timestampVersion: number;
  /** The release counter of what runs: the list's where it names the build. */
  readonly counterOf: (running: RunningBuild) => number;
  /** A refresh gave way to another write in the last wake, and is to have its turn now. */
  readonly owed: boolean;
  /** Takes in what came, refreshes where that is due, and judges `heard.target`: what speaks against it, if anything does. */
  readonly weigh: (heard: Heard, stand: Stand) => Promise<Refusal | undefined>;
  /**
   * Takes in brakes that came on their own, at once, whatever else is under way: what speaks against any move now, if
   * anything does. `kept` resolves once the disk was tried.
   */
  readonly hear: (brakes: readonly Uint8Array[]) => {
    readonly refusal: Refusal | undefined;
    readonly kept: Promise<void>;
  };
  /** Gate 1 for a move to the build, by what is known. */
  readonly judge: (digest: string, stand: Stand) => Judgement;
}
