/**
 * The agent's entry: builds the real adapters, reads what the disk holds, and starts. Called by the launcher as
 * `agent.mjs --config FILE`, with the slot in MOULT_SLOT and MOULT_TRIAL=1 for a build on trial.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { BootRecordFiles, DiskError, type SlotName, SlotStore, makeFoldersDurably } from "@moult/slots";
import { pino } from "pino";
import { readBootId } from "./adapters/boot-id.ts";
import { monotonicClock, systemChance } from "./adapters/clock.ts";
import { createCoordinator } from "./adapters/coordinator/coordinator.ts";
import { type EnrollmentToken, openEnrollmentToken } from "./adapters/enrollment-token.ts";
import { createHost } from "./adapters/host/host.ts";
import { createHttpsFetcher } from "./adapters/https-fetcher.ts";
import { openIdentity } from "./adapters/identity.ts";
import { linkLauncher } from "./adapters/launcher-link.ts";
import { nodeDisk } from "./adapters/node-disk.ts";
import { StateFile } from "./adapters/state-file.ts";
import { createBody } from "./adapters/work/body.ts";
import { endOtherWork } from "./adapters/work/find.ts";
import { Agent } from "./agent/agent.ts";
import { survey } from "./agent/survey.ts";
import { ConfigError, loadConfig } from "./config/config.ts";
import { EXIT_CONFIG, EXIT_FAILED, EXIT_HAND_OVER, EXIT_STOPPED } from "./exit-codes.ts";
import { deviceLayout } from "./layout.ts";
import { stageBuild } from "./pull/stage.ts";
import { begin } from "./update/begin.ts";
import { AGENT_VERSION } from "./version.ts";
import { workBuildOf } from "./work/build.ts";
import { Supervisor } from "./work/supervisor.ts";

const log = pino({ name: "agent", level: "info", base: { slot: process.env["MOULT_SLOT"], agent: AGENT_VERSION } });

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) throw new ConfigError("The command line", ["`--config FILE` is missing"]);
  const { settings, unknownKeys } = loadConfig(values.config, await readFile(values.config, "utf8"), process.env);
  log.level = settings.logLevel;
  if (unknownKeys.length > 0) log.warn({ unknownKeys }, "keys of the configuration that this agent does not know");

  const { deviceDir: root } = settings;
  const layout = deviceLayout(root);
  const clock = monotonicClock;
  const chance = systemChance;
  const disk = nodeDisk;
  const store = new SlotStore(disk, root, chance.freshId);
  await store.prepare();
  await sweep(store);
  await makeFoldersDurably(disk, layout.run);
  await makeFoldersDurably(disk, layout.work);

  const bootId = await readBootId();
  const records = new BootRecordFiles(disk, store.layout.state);
  const state = new StateFile(disk, layout.stateFile);
  const slot = slotFrom(process.env["MOULT_SLOT"]);
  const trial = process.env["MOULT_TRIAL"] === "1";
  const found = await survey({ settings, store, records, state, bootId, slot, trial });
  if (found.stateDamaged) log.error({}, "the agent's state could not be read; it begins anew");

  const { identity, fresh } = await openIdentity(disk, layout.identityFile);
  if (fresh) log.info({}, "a device key was made");
  const token = await openEnrollmentToken(disk, layout.enrollmentTokenFile);
  const wire = { ...settings.wire, enrollmentToken: token.text || settings.wire.enrollmentToken };
  const ca = await readFile(settings.wire.caFile, "utf8");
  const fetcher = createHttpsFetcher(ca);
  const premises = { disk, runFolder: layout.run, socketPath: layout.workSocket, bootId };
  const { running } = found.beginning;

  let agent: Agent | undefined;
  const end = (code: number): void => {
    agent?.close();
    process.exit(code);
  };
  const launcher = linkLauncher(process.env, () => end(EXIT_STOPPED));
  process.on("SIGTERM", () => end(EXIT_STOPPED));
  process.on("SIGINT", () => end(EXIT_STOPPED));

  const first = begin(found.beginning, {
    nowMs: clock.nowMs(),
    roll: chance.roll(),
    freshId: chance.freshId(),
    tunables: settings.tunables,
  });
  agent = new Agent(
    {
      settings,
      clock,
      chance,
      log,
      coordinator: createCoordinator({
        settings: wire,
        ca,
        identity,
        clock,
        chance,
        log,
        bootId,
        onAdmitted: () => void eraseToken(token),
      }),
      host: createHost(root, clock, log),
      launcher,
      store,
      records,
      state,
      running,
      workBuild: workBuildOf(found.manifest),
      superviseWith: (onSeen) =>
        new Supervisor({
          disk,
          store,
          workFolder: layout.work,
          bodyOf: (build, folder) => createBody(build, folder, premises, settings.work.env),
          clearOthers: (workIdentity) => endOtherWork(premises, workIdentity, settings.work.stopGraceMs),
          settings: settings.work,
          clock,
          log,
          onSeen,
        }),
      stage: (offered, denied) =>
        stageBuild(offered, {
          store,
          freeBytes: () => disk.freeBytes(root),
          council: settings.council,
          network: settings.network,
          platform: { os: process.platform, arch: process.arch },
          running,
          denied,
          tools: {
            fetcher,
            clock,
            chance,
            log,
            limits: settings.pull,
            signal: AbortSignal.timeout(settings.pull.timeoutMs),
          },
        }),
      exit: (why) => end(why === "HAND_OVER" ? EXIT_HAND_OVER : EXIT_FAILED),
    },
    first.machine,
  );
  log.info({ version: running.version, digest: running.digest, trial, phase: first.machine.phase.name }, "started");
  agent.start(first);
}

/** Leftovers that cannot be removed are no reason not to start. */
async function sweep(store: SlotStore): Promise<void> {
  try {
    await store.sweep();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    log.warn({ err: error }, "leftovers could not be swept");
  }
}

/** It is of no use any more. Where it cannot be removed now, it is after the next session was opened. */
async function eraseToken(token: EnrollmentToken): Promise<void> {
  try {
    await token.erase();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    log.warn({ err: error }, "the enrolment token could not be erased");
  }
}

function slotFrom(name: string | undefined): SlotName {
  return name === "a" || name === "b" ? name : "factory";
}

main().catch((error: unknown) => {
  log.fatal(error instanceof ConfigError ? {} : { err: error }, error instanceof Error ? error.message : String(error));
  process.exit(error instanceof ConfigError ? EXIT_CONFIG : EXIT_FAILED);
});
