import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { LongestFirst } from "./scripts/longest-first.ts";

/** What judges by times: a whole fleet at work. Nothing else runs beside it. */
const ALONE = ["test/demo/**/*.system.test.ts"];

/**
 * Where processes that tests start from the sources find them compiled: a third to a half of what a start costs. Node looks
 * at a source's content, so that a changed one, as a mutant's, is compiled anew. Devices have their programs elsewhere each
 * time and go without.
 */
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules", ".cache", "moult-compiled");

/**
 * Unit tests stand beside the code. Whole systems are real processes: `device` wait for each other and for time as much as
 * they work, so one file more runs than there are cores; `system` run one file after another when all else is done.
 */
const config: ViteUserConfig = defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "apps/*/src/**/*.test.ts",
            "test/**/*.test.ts",
            "scripts/**/*.test.ts",
          ],
          exclude: ["**/*.system.test.ts", "**/node_modules/**", "**/dist/**"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          // Many wait for processes and disks: one worker more than there are cores keeps the cores at work.
          maxWorkers: Math.max(3, availableParallelism()),
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "device",
          include: ["test/**/*.system.test.ts"],
          exclude: [...ALONE, "**/node_modules/**", "**/dist/**"],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          maxWorkers: Math.max(3, availableParallelism()),
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "system",
          include: ALONE,
          exclude: ["**/node_modules/**", "**/dist/**"],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

export default config;
