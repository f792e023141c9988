/** What the router tells the process that started it. It is told nothing but its settings. */
import type { CoordinatorAccess } from "./membership.ts";

/** The settings file, in JSON. */
export interface RouterSettings {
  /** Loopback port to listen on. */
  readonly port: number;
  readonly coordinator: CoordinatorAccess;
}

/** A node as the router treats it now. */
export interface RoutedNode {
  readonly node: string;
  readonly endpoint: string;
  readonly state: string;
  readonly version: string;
  readonly inFlight: number;
  readonly ejected: boolean;
}

/** Sent on every change of membership and a few times a second. */
export interface RouterMessage {
  readonly kind: "router";
  readonly nodes: readonly RoutedNode[];
  /** Requests by how they ended, since the start. */
  readonly endings: Readonly<Record<string, number>>;
}
