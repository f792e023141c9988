/**
 * The `moult` command as a library, for whole-system tests: the same verbs over other ports, and building and signing
 * without a process.
 */
export { type BuildOptions, type MadeBuild, buildRelease } from "./build/build-release.ts";
export { type BuildInput, type PartInput } from "./build/input.ts";
export { type Progress } from "./output/progress.ts";
export { type Ports, type Sink } from "./ports.ts";
export { createProgram } from "./program.ts";
export { run } from "./run.ts";
