/**
 * The agent and the launcher in pieces, for whole-system tests that put them on a disk, a clock and a network of their own.
 * Nothing that ships imports it; `main.ts` and `launcher/main.ts` are where the pieces are put together for devices.
 */
export { openIdentity } from "./adapters/identity.ts";
export { StateFile } from "./adapters/state-file.ts";
export { readWorkRecord, removeWorkRecord, writeWorkRecord } from "./adapters/work/record.ts";
export { Agent, type AgentParts } from "./agent/agent.ts";
export { survey } from "./agent/survey.ts";
export { contentsOf } from "./build/identity.ts";
export { loadConfig } from "./config/config.ts";
export type { Settings } from "./config/settings.ts";
export { EXIT_FAILED, EXIT_HAND_OVER } from "./exit-codes.ts";
export { afterEnd } from "./launcher/after-end.ts";
export { type Boot, type BootParts, chooseBoot } from "./launcher/boot.ts";
export { deviceLayout } from "./layout.ts";
export type { Answer as CoordinatorAnswer, AskInput, Chance, Clock, Coordinator, Log, ReportInput } from "./ports.ts";
export { type Answer, type Fetcher, SourceError } from "./pull/source.ts";
export { stageBuild } from "./pull/stage.ts";
export { DeviceTime } from "./time/device-time.ts";
export { begin } from "./update/begin.ts";
export { MetadataFile } from "./adapters/metadata-file.ts";
export { TrustKeeper } from "./trust/keeper.ts";
export type { TrustSource, TrustSources } from "./trust/ports.ts";
export { type Durable, NOTHING_DURABLE, decodeDurable, encodeDurable } from "./update/durable.ts";
export type { Verdict } from "./update/events.ts";
export type { OfferedBuild } from "./update/state.ts";
export { type WorkBuild, workBuildOf } from "./work/build.ts";
export type { Body, Life, Voice, WorkAnswer } from "./work/ports.ts";
export { Supervisor } from "./work/supervisor.ts";
