/**
 * Keeps in a bundle what the agent asks systeminformation for (load, memory, the system's name) and leaves out the rest
 * of it (printers, wireless networks, virtual machines …): a tenth of what an update of the agent moves over the wire.
 */
import { join } from "node:path";
import type { Plugin } from "rolldown";

const LIBRARY_INDEX = /[\\/]systeminformation[\\/]lib[\\/]index\.js$/;

/** The modules behind `currentLoad`, `mem` and `osInfo`; they bring along what they need themselves. */
const KEPT: ReadonlySet<string> = new Set(["./util", "./osinfo", "./cpu", "./memory"]);

/** The plugin. */
export const fewHostFacts: Plugin = {
  name: "few-host-facts",
  resolveId: {
    filter: { id: /^\.\/[a-z]+$/ },
    handler: (specifier, importer) =>
      importer !== undefined && LIBRARY_INDEX.test(importer) && !KEPT.has(specifier)
        ? join(import.meta.dirname, "no-host-facts.ts")
        : undefined,
  },
};
