/** The releases of the demo: what each is, and where its build lies. */

/** A release, built and waiting for the council. */
export interface PreparedRelease {
  readonly version: string;
  /** The build directory: manifest, parts and, once signed, the envelope. */
  readonly dir: string;
}

/** All of them. */
export interface Releases {
  /** What the boxes come with. */
  readonly one: PreparedRelease;
  /** The good one. */
  readonly two: PreparedRelease;
  /** A hotfix for a version that no box runs. */
  readonly detour: PreparedRelease;
  /** Lacks a file that its workload needs: somebody forgot to make it a part. */
  readonly three: PreparedRelease;
}

/** How a release is made. */
export interface ReleasePlan {
  readonly version: string;
  readonly counter: number;
  /** Versions from which it can be reached; empty for any. */
  readonly from: readonly string[];
  /** Files that the workload needs beside itself. */
  readonly needs: readonly string[];
}

/** The version that the detour can be reached from, and that nobody runs. */
export const DETOUR_FROM = "2.0.5";

/** How each is made. */
export const RELEASE_PLANS: Readonly<Record<keyof Releases, ReleasePlan>> = {
  one: { version: "1.0.0", counter: 1, from: [], needs: [] },
  two: { version: "2.0.0", counter: 2, from: ["1.0.0"], needs: [] },
  detour: { version: "2.1.0", counter: 3, from: [DETOUR_FROM], needs: [] },
  three: { version: "3.0.0", counter: 4, from: ["2.0.0"], needs: ["catalogue.json"] },
};
