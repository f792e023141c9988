/** The dial: gate 2's setting for one release. */

/** One label and the values that fit. */
export interface LabelRequirement {
  readonly key: string;
  readonly values: readonly string[];
}

/** All requirements must hold; at least one. */
export type LabelSelector = readonly LabelRequirement[];

/** Who may move. */
export type DialSetting =
  | { readonly kind: "nobody" }
  | { readonly kind: "named"; readonly nodes: ReadonlySet<string>; readonly selectors: readonly LabelSelector[] }
  | { readonly kind: "share"; readonly fraction: number }
  | { readonly kind: "everyone" };

/** A dial and when it was turned. */
export interface Dial {
  readonly version: string;
  readonly setting: DialSetting;
  readonly updatedAtMs: number;
  /** When the release should have arrived everywhere. As it comes near, gate 3's reserve may shrink; nothing else does. */
  readonly deadlineAtMs?: number;
}

/** A breaker's brake, which devices check by themselves. It holds until it ends, unless the council lifts it. */
export interface SignedBrake {
  /** SHA-256 of what was signed. */
  readonly digest: string;
  readonly reason: string;
  readonly expiresAtMs: number;
}

/** The operators' brake: stops every new move through this coordinator while it is engaged. */
export interface Brake {
  readonly engaged: boolean;
  readonly reason: string;
  readonly updatedAtMs: number;
}
