/**
 * The agent's entry: builds the real adapters, reads what the disk holds, and starts. Called by the launcher as
 * `agent.mjs --config FILE`, with the slot in MOULT_SLOT and MOULT_TRIAL=1 for a build on trial.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { BootRecordFiles, DiskError, type SlotName, SlotStore, makeFoldersDurably } from "@moult/slots";
import { TIME_RULES_DEFAULT } from "@moult/trust";
import { pino } from "pino";
import { readBootId } from "./adapters/boot-id.ts";
import { monotonicClock, systemChance } from "./adapters/clock.ts";
import { createCoordinator } from "./adapters/coordinator/coordinator.ts";
import { type EnrollmentToken, openEnrollmentToken } from "./adapters/enrollment-token.ts";
import { createHost } from "./adapters/host/host.ts";
import { STUDY_OPTION, printStudy } from "./adapters/host/study.ts";
import { createHttpsFetcher } from "./adapters/https-fetcher.ts";
import { LifeWriter, START_VARIABLE } from "./adapters/agent-life.ts";
import { openIdentity } from "./adapters/identity.ts";
import { initWishes, linkInit } from "./adapters/init-link.ts";
import { linkLauncher } from "./adapters/launcher-link.ts";
import { MetadataFile } from "./adapters/metadata-file.ts";
import { nodeDisk } from "./adapters/node-disk.ts";
import { isSpent } from "./adapters/spent-token.ts";
import { StateFile } from "./adapters/state-file.ts";
import { createTrustSources } from "./adapters/trust-sources.ts";
import { lastEndMs, trustPeers } from "./adapters/tls/peer-trust.ts";
import { clearOthers, createBody } from "./adapters/work/body.ts";
import { Agent } from "./agent/agent.ts";
import { Once } from "./agent/once.ts";
import { survey } from "./agent/survey.ts";
import { ConfigError, loadConfig } from "./config/config.ts";
import { EXIT_CONFIG, EXIT_FAILED, EXIT_HAND_OVER, EXIT_STOPPED } from "./exit-codes.ts";
import { deviceLayout } from "./layout.ts";
import { ONCE_VARIABLE } from "./once.ts";
import { OVERDUE_FACTOR } from "./overdue.ts";
import { stageBuild } from "./pull/stage.ts";
import { findFlashedRoot } from "./trust/flashed-root.ts";
import { TrustKeeper } from "./trust/keeper.ts";
import { nodeIdOf } from "./trust/node-id.ts";
import { DeviceTime } from "./time/device-time.ts";
import type { Tunables } from "./update/at.ts";
import { begin } from "./update/begin.ts";
import { AGENT_VERSION } from "./version.ts";
import { workBuildOf } from "./work/build.ts";
import { prepareWork } from "./work/prepare.ts";
import { Supervisor } from "./work/supervisor.ts";

/** Timers fire at the same second everywhere; the asks are spread over this, in milliseconds. */
const ONCE_ASK_WITHIN_MS = 30_000;

const log = pino({ name: "agent", level: "info", base: { slot: process.env["MOULT_SLOT"], agent: AGENT_VERSION } });

// Node hands its permission options down to the programs that it starts; the workload is not to live in this sandbox.
const runtimeOptions = process.execArgv.splice(0);

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
  await store.prepare([layout.work]);
  await sweep(store, settings.pull.diskReserveBytes);
  await makeFoldersDurably(disk, layout.run);

  const bootId = await readBootId();
  const records = new BootRecordFiles(disk, store.layout.state);
  const state = new StateFile(disk, layout.stateFile);
  const slot = slotFrom(process.env["MOULT_SLOT"]);
  const trial = process.env["MOULT_TRIAL"] === "1";
  const { durable, damaged } = await state.read();
  if (damaged) log.error({}, "the agent's state could not be read; it begins anew");

  const token = await openEnrollmentToken(disk, layout.enrollmentTokenFile);
  const supplied = token.text || settings.wire.enrollmentToken;
  const spent = supplied !== "" && (await isSpent(disk, layout.spentToken, supplied));
  if (spent) log.warn({}, "the enrolment token is the one from before the wipe; it is not used");
  const once = process.env[ONCE_VARIABLE] === "1" ? new Once() : undefined;
  // Who is gone in a moment must not look like somebody who can be nudged.
  const wire = { ...settings.wire, enrollmentToken: spent ? "" : supplied, ...(once && { attend: false }) };
  const { firstAskWithinMs } = settings.tunables;
  const tunables = {
    ...settings.tunables,
    ...(once && { firstAskWithinMs: Math.min(firstAskWithinMs, ONCE_ASK_WITHIN_MS) }),
  };

  const { identity, fresh } = await openIdentity(disk, layout.identityFile);
  if (fresh) log.info({}, "a device key was made");
  const ca = await readFile(settings.wire.caFile, "utf8");
  let trust: TrustKeeper | undefined;
  const peers = trustPeers(
    ca,
    () => time.nowMs(),
    () => trust?.serverPins ?? [],
  );
  // Where there is no signed root, the authority that was flashed is the root of trust, and its end the bound of time.
  const rules = { ...TIME_RULES_DEFAULT, boundMs: lastEndMs(peers) };
  const time = new DeviceTime({
    clock,
    bootId,
    rules,
    kept: durable.time,
    keptSlow: durable.slowTime,
    buildTimeMs: settings.buildTimeMs,
  });
  const fetcher = createHttpsFetcher(peers);
  const { pull: limits, mirrors, network } = settings;
  const device = {
    node: nodeIdOf(identity.publicKey),
    network,
    platform: { os: process.platform, arch: process.arch },
  };
  const coordinator = createCoordinator({
    settings: wire,
    trust: peers,
    identity,
    clock,
    chance,
    log,
    bootId,
    onAdmitted: () => void eraseToken(token),
  });
  const keeper = await TrustKeeper.open({
    file: new MetadataFile(disk, layout.metadataFile),
    flashedRoot: await findFlashedRoot({ disk, store, slot, rootFile: settings.rootFile, log }),
    sources: createTrustSources({
      settings: wire,
      mirrors,
      trust: peers,
      present: () => coordinator.address,
      clock,
      limits,
    }),
    device,
    nowMs: () => time.nowMs(),
    slowMs: () => time.slowMs(),
    clock,
    roll: chance.roll,
    log,
    onRoot: ({ expiresMs }) => time.setBound(expiresMs),
    onSignedTime: (timeMs) => time.take({ kind: "SIGNED", timeMs }),
    onRootTime: ({ version, timeMs }) => time.take({ kind: "ROOT_RESET", counter: version, timeMs }),
  });
  trust = keeper;
  const found = await survey({ store, records, durable, bootId, slot, trial, trust: keeper });
  for (const timeMs of found.approvedTimesMs) time.take({ kind: "SIGNED", timeMs });
  const premises = {
    disk,
    runFolder: layout.run,
    socketPath: layout.workSocket,
    bootId,
    deviceDir: root,
    clock,
    stopGraceMs: settings.work.stopGraceMs,
  };
  const { running } = found.beginning;

  let agent: Agent | undefined;
  const end = (code: number): void => {
    agent?.close();
    process.exit(code);
  };
  const wishes = initWishes(process.env);
  const life = new LifeWriter(layout.agentLife, process.env[START_VARIABLE] ?? "", log);
  if (wishes !== undefined) process.on("exit", (code) => life.tell({ code }));
  const launcher =
    wishes === undefined
      ? linkLauncher(process.env, () => end(EXIT_STOPPED))
      : linkInit(wishes, life, clock.nowMs, log);
  process.on("SIGTERM", () => end(EXIT_STOPPED));
  process.on("SIGINT", () => end(EXIT_STOPPED));

  const first = begin(found.beginning, {
    nowMs: clock.nowMs(),
    roll: chance.roll(),
    freshId: chance.freshId(),
    tunables,
  });
  agent = new Agent(
    {
      settings: { ...settings, wire, tunables },
      clock,
      chance,
      log,
      coordinator,
      host: createHost(store.layout.incoming, clock, log, {
        runtime: process.execPath,
        options: runtimeOptions,
        script: process.argv[1] ?? "",
      }),
      launcher,
      store,
      records,
      state,
      time,
      trust: keeper,
      running,
      workBuild: workBuildOf(found.manifest),
      superviseWith: (onSeen) =>
        new Supervisor({
          disk,
          store,
          workFolder: layout.work,
          bodyOf: (build, folder) => createBody(build, folder, premises, settings.work),
          clearOthers: (workIdentity) => clearOthers(premises, settings.work.runner, workIdentity),
          settings: settings.work,
          clock,
          log,
          onSeen,
        }),
      stage: async (offered, denied) => {
        const staged = await stageBuild(offered, {
          store,
          freeBytes: () => disk.freeBytes(store.layout.incoming),
          device,
          running,
          judge: (digest) => keeper.judge(digest, { running, denied }),
          tools: {
            fetcher,
            clock,
            chance,
            log,
            limits,
            signal: AbortSignal.timeout(settings.pull.timeoutMs),
          },
        });
        await prepareWork(store, layout.work, staged.slot, log);
        return staged;
      },
      exit: (why) => end(why === "HAND_OVER" ? EXIT_HAND_OVER : EXIT_FAILED),
      ...(once && {
        onRest: (machine) => {
          const code = once.consider(machine, clock.nowMs());
          if (code !== undefined) end(code);
        },
      }),
    },
    first.machine,
  );
  // Nobody stands beside an agent that its launcher became: a trial that it cannot decide it ends itself.
  if (trial && wishes !== undefined) watchTrial(settings.tunables, life, () => end(EXIT_FAILED));
  log.info({ version: running.version, digest: running.digest, trial, phase: first.machine.phase.name }, "started");
  agent.start(first);
}

/** Long after the time in which a trial is decided. */
function watchTrial({ trialTimeoutMs, unreachableSoakMs }: Tunables, life: LifeWriter, end: () => void): void {
  const limitMs = Math.max(trialTimeoutMs, unreachableSoakMs) * OVERDUE_FACTOR;
  setTimeout(() => {
    if (!life.kept) end();
  }, limitMs).unref();
}

/** Beginnings of parts wait for the next pull, unless space is short. What cannot be removed is no reason not to start. */
async function sweep(store: SlotStore, diskReserveBytes: number): Promise<void> {
  try {
    const isSpaceShort = (await nodeDisk.freeBytes(store.layout.incoming)) < diskReserveBytes;
    await store.sweep(isSpaceShort ? undefined : "ALL");
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

const run = process.argv[2] === STUDY_OPTION ? printStudy() : main();
run.catch((error: unknown) => {
  log.fatal(error instanceof ConfigError ? {} : { err: error }, error instanceof Error ? error.message : String(error));
  process.exit(error instanceof ConfigError ? EXIT_CONFIG : EXIT_FAILED);
});
