/** Where the programs of this repository begin. The demo starts them as processes and imports none of their insides. */
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..", "..");

/** The coordinator; takes `--config FILE`. */
export const COORDINATOR: string = join(ROOT, "apps", "coordinator", "src", "main.ts");
/** `moult`. */
export const MOULT: string = join(ROOT, "apps", "cli", "src", "main.ts");
/** The demo's own processes; each takes `--settings FILE`. */
export const ROUTER: string = join(ROOT, "test", "demo", "router", "main.ts");
export const LOAD: string = join(ROOT, "test", "demo", "load", "main.ts");
export const OBSERVER: string = join(ROOT, "test", "demo", "observer", "main.ts");
/** Makes the bundles; takes a folder. */
export const BUNDLER: string = join(ROOT, "test", "demo", "bundler", "main.ts");
/** The workload, to be bundled. */
export const WORKLOAD: string = join(ROOT, "test", "demo", "workload", "server.ts");
/** Runs a script of this repository on the right runtime, from any Node.js. */
export const WITH_RUNTIME: string = join(ROOT, "scripts", "with-runtime.mjs");
