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

/** The brake: stops every new move while it is engaged. */
export interface Brake {
  readonly engaged: boolean;
  readonly reason: string;
  readonly updatedAtMs: number;
}
