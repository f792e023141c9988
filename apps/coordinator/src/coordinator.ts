/** Puts the parts together: store, ledger, services, ports, and what happens by time alone; and takes them apart again. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { AttendResponse, Member } from "@moult/contracts/v1";
import { MemberSchema } from "@moult/contracts/v1";
import { create } from "@bufbuild/protobuf";
import type { Effect, Ledger } from "@moult/policy";
import { Anomalies } from "./anomalies/anomalies.ts";
import { knownBuilds } from "./anomalies/known-builds.ts";
import { uploaderOf } from "./artifacts/uploader.ts";
import { DeltaFiles } from "./artifacts/delta-files.ts";
import { createEndpoint } from "./artifacts/endpoint.ts";
import { startArtifactListener } from "./artifacts/listener.ts";
import { type AuditLog, openAuditLog } from "./audit/audit-log.ts";
import { PartFiles } from "./artifacts/part-files.ts";
import { type Config, ConfigError, ledgerConfig } from "./config.ts";
import { createChallenges } from "./identity/challenge.ts";
import { EnrollmentTokens } from "./identity/enrollment.ts";
import { openOperatorDirectory } from "./identity/operator-directory.ts";
import { readOrMakeSecret } from "./identity/secret-file.ts";
import { createSessions } from "./identity/sessions.ts";
import { Attending } from "./ledger/attending.ts";
import { Owner } from "./ledger/owner.ts";
import { Pressure } from "./ledger/pressure.ts";
import { restore } from "./ledger/restore.ts";
import { Topic } from "./ledger/topics.ts";
import { countedStore } from "./metrics/counted-store.ts";
import { Numbers } from "./metrics/numbers.ts";
import { authority, cannotListen, countsOf, writeEndpoints } from "./operations/addresses.ts";
import { startRpcPorts } from "./operations/rpc-ports.ts";
import { StandingWatch } from "./operations/standing.ts";
import { TICK_MS, startTimers } from "./operations/timers.ts";
import { type Self, startWatching } from "./operations/watching.ts";
import type { Clock, Log, Random } from "./ports.ts";
import { LargeFiles } from "./rpc/large-files.ts";
import { createReplica } from "./replica/replica.ts";
import { SharedClock } from "./replica/shared-clock.ts";
import { DIRECT } from "./replica/through.ts";
import { within } from "./replica/within.ts";
import { drainNotice } from "./rpc/drain.ts";
import { RequestMemory } from "./rpc/request-memory.ts";
import { type Parts, readCarried } from "./rpc/services.ts";
import type { Store } from "./store/port.ts";
import { readAuthority } from "./tls/certificate.ts";
import { openTls } from "./tls/own-or-given.ts";
import { openCarried } from "./trust/carried.ts";
import { TrustHolder } from "./trust/holder.ts";
import { narrow } from "./trust/narrow.ts";
import { readRoot } from "./trust/root-file.ts";
import { writeMember } from "./wire/fleet.ts";

const RELOAD_AFTER_MS = 1_000;

/** The world the coordinator runs in. */
export interface World {
  readonly clock: Clock;
  /** How long the machine has been up, whatever the time is said to be: by it waiting is measured. */
  readonly uptime: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: Store;
  readonly self: Self;
}

/** A coordinator that serves. */
export interface RunningCoordinator {
  /** `host:port`. */
  readonly grpc: string;
  /** Base URL of the operators' calls as Connect and JSON. */
  readonly json: string;
  /** Base URL under which devices find the artifacts. */
  readonly artifacts: string;
  /** `host:port` on which only client certificates are let in; undefined where there is none. */
  readonly operators: string | undefined;
  /** Base URL of the metrics and of health over HTTP; undefined where there is none. */
  readonly metrics: string | undefined;
  /** Reads the table of operators and the certificate again. */
  readonly reload: () => void;
  /** Says that it is not ready, lets go whoever is there, and closes the store. */
  readonly stop: () => Promise<void>;
}

/** Starts a coordinator; resolves when it serves. */
export async function startCoordinator(config: Config, world: World): Promise<RunningCoordinator> {
  const { random, log, self, uptime } = world;
  const numbers = new Numbers();
  const store = countedStore(world.store, numbers, () => performance.now());
  const clock = new SharedClock(world.clock);
  const rootFile = readRoot(config);
  const trust = new TrustHolder();
  const partFiles = new PartFiles(join(config.state_dir, "parts"));
  const directory = openOperatorDirectory({
    file: config.operators_file,
    isNamed: config.operators_file_is_named,
    stateDir: config.state_dir,
    overrideKeys: config.override_keys,
    random,
    log,
  });
  const { operators } = directory;
  const operatorsCaPem = config.operators_ca_file === undefined ? undefined : readAuthority(config.operators_ca_file);
  const tls = await openTls({
    config,
    clock,
    log,
    pins: () => (trust.isSet ? trust.current.root.serverKeys : undefined),
    onReload: (outcome) => void (numbers[outcome === "taken" ? "tlsTaken" : "tlsRefused"] += 1),
  });
  // Kept, so that sessions outlive a restart of the coordinator.
  const secret = Buffer.from(readOrMakeSecret(join(config.state_dir, "session.key"), random, "hex"), "hex");
  const members = new Topic<Member>();
  const notices = new Topic<AttendResponse>();
  const attending = new Attending();
  let tokens = new EnrollmentTokens([]);
  let requests = new RequestMemory([]);
  let loaded: Ledger | undefined;

  const load = async (): Promise<Ledger> => {
    const snapshot = await store.load();
    tokens = new EnrollmentTokens(snapshot.tokens);
    requests = new RequestMemory(snapshot.requests);
    const opened = await openCarried({ rootFile, ...snapshot }, clock.now());
    // The configured root is kept from the first start on: what replaces it has to follow from it.
    if (opened.changes.length > 0) await store.commit({ changes: opened.changes, atMs: clock.now() });
    trust.set(opened.carried);
    // Routers may have been told of what was never written.
    members.endAll();
    anomalies.restore(snapshot.events);
    loaded = await restore(snapshot, ledgerConfig(config), clock.now());
    narrow(loaded, opened.carried, clock.now());
    return loaded;
  };
  const carryOut = (effects: readonly Effect[], ledger: Ledger): boolean => {
    if (members.isUnheard) return false;
    let isTold = false;
    for (const { nodeId } of effects) {
      const node = ledger.nodes.get(nodeId);
      if (node === undefined) continue;
      const member = create(MemberSchema, writeMember(ledger, node, clock.now()));
      const told = members.send(nodeId, member, (poolId) => poolId === "" || poolId === node.poolId);
      isTold ||= told.size > 0;
    }
    return isTold;
  };
  const { network, state_dir: stateDir } = config;
  const auditParts = { settings: config.audit, network, stateDir, tree: store.tree, clock, random, log };
  let auditLog: AuditLog | undefined;
  const replica =
    store.seat &&
    createReplica({
      seat: store.seat,
      clock,
      secret: Buffer.from(readOrMakeSecret(join(stateDir, "replicas.key"), random, "hex"), "hex"),
      caPem: tls.current.ca,
      log,
      async sit() {
        await owner.start();
        auditLog = await openAuditLog(auditParts);
        auditLog.start();
        numbers.seatTaken += 1;
      },
      leave() {
        notices.send("drain", drainNotice());
        owner.leave();
        members.endAll();
      },
      async left() {
        const keeping = auditLog;
        auditLog = undefined;
        await keeping?.stop();
      },
    });
  const speaks = replica && (() => replica.seating.speaks);
  const onFailed = replica && (() => replica.seating.failed());
  const owner = new Owner({
    store,
    clock,
    uptime,
    log,
    load,
    carryOut,
    reloadAfterMs: RELOAD_AFTER_MS,
    speaks,
    onFailed,
  });
  const anomalies = new Anomalies({ owner, clock, log, listed: knownBuilds(() => loaded?.releases ?? []) });
  if (replica === undefined) {
    await owner.start();
    auditLog = await openAuditLog(auditParts);
    numbers.seatTaken += 1;
  }
  const endpoint = createEndpoint({
    audit: { tree: store.tree, published: () => auditLog?.endpoint.published() },
    shelves: {
      parts: partFiles,
      packed: new DeltaFiles(join(config.state_dir, "packed"), partFiles),
      deltas: new DeltaFiles(join(config.state_dir, "deltas"), partFiles),
    },
    manifest: (digest) => store.manifest(digest),
    carried: () => readCarried({ owner, trust }),
    uploader: uploaderOf({ operators, operatorsCaPem, clock }),
    log,
    partBytesMax: config.artifacts.part_bytes_max,
  });
  const artifactListener = await startArtifactListener(
    {
      handle: replica === undefined ? endpoint : replica.artifacts(endpoint),
      tls: tls.current,
      operatorsCaPem,
      bounds: {
        ...countsOf(config.artifacts, numbers.ports.artifacts),
        idleTimeoutMs: config.artifacts.idle_timeout_ms,
      },
      log,
    },
    config.artifacts,
  ).catch((cause: unknown) => {
    throw cannotListen("artifacts", config.artifacts, cause as Error);
  });
  const artifacts = config.artifacts.public_url ?? `https://${authority(config.artifacts.host, artifactListener.port)}`;

  const standing = new StandingWatch({
    owner,
    replica,
    trust,
    tls,
    numbers,
    audit: () => auditLog?.progress(),
    version: self.version,
    clock,
    log,
  });
  const chance = (): number => Buffer.from(random.bytes(4)).readUInt32BE() / 2 ** 32;
  const pressure = new Pressure({
    queue: owner,
    clock: uptime,
    log,
    chance,
    beatMs: TICK_MS,
    onRefused: (rank) => numbers.shed(rank),
  });
  const parts: Parts = {
    network: config.network,
    owner,
    trust,
    tlsPin: () => tls.pin,
    clock,
    random,
    log,
    challenges: createChallenges(clock, random),
    sessions: createSessions(secret, config.network, config.session_ttl_ms, clock),
    tokens: () => tokens,
    partFiles,
    sources: () => [artifacts],
    largeFiles: new LargeFiles(),
    members,
    notices,
    attending,
    pressure,
    requests: () => requests,
    anomalies,
    store,
    numbers,
    ownStatus: standing.ownStatus,
  };
  const through = replica?.through ?? DIRECT;
  const { server, json } = await startRpcPorts({
    config,
    parts,
    operators,
    operatorsCaPem,
    tls: tls.current,
    through,
    numbers,
  }).catch(async (cause: unknown) => {
    await artifactListener.stop();
    throw cause;
  });
  const ports = [artifactListener, server, json];
  tls.subscribe((material) => ports.forEach((port) => port.setTls(material)));
  tls.watch();

  const { readiness, sources } = standing;
  const watching = await startWatching({ config, self, readiness, sources, log }).catch(async (cause: unknown) => {
    await Promise.all(ports.map((port) => port.stop()));
    throw cause;
  });
  if (replica === undefined) auditLog?.start();
  else {
    // Other replicas reach this one by the host of its address, whatever it listens on.
    store.seat?.announce(`https://${config.replica?.address.replace(/:\d+$/, "") ?? ""}:${artifactListener.port}`);
    await replica.seating.start();
  }
  const look = (): void => standing.look(server.health);
  const stopTimers = startTimers({ ...parts, config, store, look });
  look();
  const grpc = authority(config.grpc.host, server.port);
  const jsonUrl = `https://${authority(config.json.host, json.port)}`;
  const operatorsGrpc =
    config.operators && server.operatorsPort !== undefined
      ? authority(config.operators.host, server.operatorsPort)
      : undefined;
  const metrics =
    config.metrics && watching.port !== undefined
      ? `http://${authority(config.metrics.host, watching.port)}`
      : undefined;
  const at = { grpc, json: jsonUrl, artifacts, operators: operatorsGrpc, metrics };
  const removeEndpoints = writeEndpoints(config.state_dir, config.replica?.name, { ...at, pid: process.pid });
  log.info({ ...at, nodes: owner.isReady ? owner.ledger.nodes.size : undefined }, "serving");

  const stop = async (): Promise<void> => {
    // First the word that nobody new should come, while it still serves who does.
    standing.stopping();
    look();
    removeEndpoints();
    await sleep(config.stop_notice_ms);
    await stopTimers();
    tls.stop();
    // Another takes over while this one still lets its callers go.
    await settled();
    await replica?.seating.stop();
    await Promise.all(ports.map((port) => port.stop()));
    await settled();
    await auditLog?.stop();
    replica?.close();
    owner.close();
    try {
      await (replica === undefined ? store.close() : within(store.close()));
    } finally {
      await watching.stop();
    }
  };
  /** A database that does not answer holds nobody up who could be with another replica. */
  const settled = async (): Promise<void> => {
    if (replica === undefined) return owner.settled();
    await within(owner.settled()).catch((error: unknown) => {
      log.error({ err: error }, "what was decided last may not be written");
    });
  };
  let stopped: Promise<void> | undefined;
  return {
    ...at,
    reload() {
      directory.reload();
      void tls.reload();
    },
    stop: () => (stopped ??= stop()),
  };
}

/** Makes the state folder; only its owner may look into it. Throws ConfigError. */
export function makeStateDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigError(`state_dir: ${path} cannot be made: ${(cause as Error).message}`, { cause });
  }
}
