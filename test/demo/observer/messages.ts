/** What the observer tells the process that started it. */

/** The settings file, in JSON. */
export interface ObserverSettings {
  /** The boxes, and the loopback port of each one's service. */
  readonly boxes: readonly { readonly box: string; readonly port: number }[];
}

/** To the observer: what is counted counts from now. */
export interface ObserverCommand {
  readonly kind: "begin";
}

/** A node as seen from outside. */
export interface SeenNode {
  readonly box: string;
  /** Whether it takes work now. */
  readonly serving: boolean;
  /** What it last said of itself; empty before it ever answered. */
  readonly version: string;
  readonly phase: string;
  readonly message: string;
  /** Every version that ever answered there. */
  readonly versionsSeen: readonly string[];
}

/** The fleet as seen from outside, since the beginning unless said otherwise. */
export interface Seen {
  readonly nodes: readonly SeenNode[];
  /** What the nodes that take work now can carry together, in requests a second. */
  readonly servingCapacityRps: number;
  /** The most that were away at the same time. */
  readonly awayAtOnceMax: number;
  /** Each absence that has ended. */
  readonly absencesMs: readonly number[];
}

/** From the observer, ten times a second. */
export interface ObserverMessage extends Seen {
  readonly kind: "observer";
}
