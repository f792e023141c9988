/** Puts the parts together: store, ledger, services, endpoint, and what happens by time alone. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { AttendResponse, Member } from "@moult/contracts/v1";
import { MemberSchema } from "@moult/contracts/v1";
import { create } from "@bufbuild/protobuf";
import type { Effect, Ledger } from "@moult/policy";
import { schedule } from "node-cron";
import { Anomalies } from "./anomalies/anomalies.ts";
import { knownBuilds } from "./anomalies/known-builds.ts";
import { uploaderOf } from "./artifacts/uploader.ts";
import { type ConnectionCounts, boundMovingConnections } from "./artifacts/connections.ts";
import { DeltaFiles } from "./artifacts/delta-files.ts";
import { createEndpoint } from "./artifacts/endpoint.ts";
import { type AuditLog, openAuditLog } from "./audit/audit-log.ts";
import { PartFiles } from "./artifacts/part-files.ts";
import { type Config, ConfigError, ledgerConfig } from "./config.ts";
import { createChallenges } from "./identity/challenge.ts";
import { EnrollmentTokens } from "./identity/enrollment.ts";
import { openOperatorDirectory } from "./identity/operator-directory.ts";
import { readOrMakeSecret } from "./identity/secret-file.ts";
import { createSessions } from "./identity/sessions.ts";
import { Attending } from "./ledger/attending.ts";
import { noteVanished, passTime } from "./ledger/hearing.ts";
import { type Move, Owner, StoreUnavailable } from "./ledger/owner.ts";
import { Pressure } from "./ledger/pressure.ts";
import { restore } from "./ledger/restore.ts";
import { Topic } from "./ledger/topics.ts";
import type { Clock, Log, Random } from "./ports.ts";
import { LargeFiles } from "./rpc/large-files.ts";
import { createReplica } from "./replica/replica.ts";
import { SharedClock } from "./replica/shared-clock.ts";
import { drainNotice } from "./rpc/drain.ts";
import { RequestMemory } from "./rpc/request-memory.ts";
import { startJsonServer } from "./rpc/json-server.ts";
import { startServer } from "./rpc/server.ts";
import { type Parts, readCarried } from "./rpc/services.ts";
import type { Store } from "./store/port.ts";
import { ownTls, pinOf, readAuthority, readTls } from "./tls/certificate.ts";
import { openCarried } from "./trust/carried.ts";
import { TrustHolder } from "./trust/holder.ts";
import { narrow } from "./trust/narrow.ts";
import { readRoot } from "./trust/root-file.ts";
import { StaleWatch } from "./trust/stale-watch.ts";
import { writeMember } from "./wire/fleet.ts";

/** What runs by time: expiry and ageing. Four times a second bounds how late an expiry can be noticed. */
const TICK_MS = 250;
/** Per-pool totals are what demand starts from after a restart; a few seconds old is fresh enough. */
const TOTALS_MS = 3_000;
const RELOAD_AFTER_MS = 1_000;
/** Events that were counted are told when their minute has passed; a second more does no harm. */
const TELL_MS = 1_000;
/** A part of 1 GiB over a line of 2.4 Mbit/s; only releasers' uploads last longer than their headers. */
const UPLOAD_MS = 3_600_000;
/** A TLS handshake is two round trips; who takes longer only holds a place. */
const HANDSHAKE_MS = 15_000;

/** The world the coordinator runs in. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: Store;
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
  /** Reads the table of operators again. */
  readonly reload: () => void;
  readonly stop: () => Promise<void>;
}

/** Starts a coordinator; resolves when it serves. */
export async function startCoordinator(config: Config, world: World): Promise<RunningCoordinator> {
  const { random, log, store } = world;
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
  const tls = config.tls
    ? readTls(config.tls)
    : await ownTls(join(config.state_dir, "tls"), config.tls_names, clock.now());
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
  const carryOut = (effects: readonly Effect[], ledger: Ledger): void => {
    if (members.isUnheard) return;
    for (const { nodeId } of effects) {
      const node = ledger.nodes.get(nodeId);
      if (node === undefined) continue;
      const member = create(MemberSchema, writeMember(ledger, node, clock.now()));
      members.send(nodeId, member, (poolId) => poolId === "" || poolId === node.identity.poolId);
    }
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
      caPem: tls.ca,
      log,
      async sit() {
        await owner.start();
        auditLog = await openAuditLog(auditParts);
        auditLog.start();
      },
      async rise() {
        const keeping = auditLog;
        auditLog = undefined;
        notices.send("drain", drainNotice());
        owner.leave();
        members.endAll();
        await keeping?.stop();
      },
    });
  const speaks = replica && (() => replica.seating.speaks);
  const onFailed = replica && (() => replica.seating.failed());
  const owner = new Owner({ store, clock, log, load, carryOut, reloadAfterMs: RELOAD_AFTER_MS, speaks, onFailed });
  const anomalies = new Anomalies({ owner, clock, log, listed: knownBuilds(() => loaded?.releases ?? []) });
  if (replica === undefined) {
    await owner.start();
    auditLog = await openAuditLog(auditParts);
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
  const artifactServer = createServer(
    {
      cert: tls.certificate,
      key: tls.key,
      // For operators who upload; devices have none and need none.
      requestCert: true,
      rejectUnauthorized: false,
      ...(operatorsCaPem === undefined ? {} : { ca: operatorsCaPem }),
      requestTimeout: UPLOAD_MS,
      handshakeTimeout: HANDSHAKE_MS,
    },
    replica === undefined ? endpoint : replica.artifacts(endpoint),
  );
  boundMovingConnections(
    artifactServer,
    { ...countsOf(config.artifacts), idleTimeoutMs: config.artifacts.idle_timeout_ms },
    log,
    "artifacts",
  );
  await new Promise<void>((resolve, reject) => {
    artifactServer.once("error", (cause) => reject(cannotListen("artifacts", config.artifacts, cause)));
    artifactServer.listen(config.artifacts.port, config.artifacts.host, resolve);
  });
  const artifactPort = (artifactServer.address() as AddressInfo).port;
  const artifacts = config.artifacts.public_url ?? `https://${authority(config.artifacts.host, artifactPort)}`;

  const chance = (): number => Buffer.from(random.bytes(4)).readUInt32BE() / 2 ** 32;
  const pressure = new Pressure({ queue: owner, clock, log, chance, beatMs: TICK_MS });
  const parts: Parts = {
    network: config.network,
    owner,
    trust,
    tlsPin: pinOf(tls),
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
  };
  const operatorsPort = config.operators && { listen: config.operators, operatorsCaPem };
  const through = replica?.through;
  const grpcPort = { ...config.grpc, bounds: countsOf(config.grpc) };
  const server = await startServer(parts, operators, tls, grpcPort, operatorsPort, through).catch((cause: unknown) => {
    artifactServer.close();
    throw cannotListen("grpc", config.grpc, cause as Error);
  });
  const jsonPort = { ...config.json, bounds: countsOf(config.json) };
  const json = await startJsonServer(parts, operators, tls, jsonPort, operatorsCaPem, through).catch(
    async (cause: unknown) => {
      artifactServer.close();
      await server.stop();
      throw cannotListen("json", config.json, cause as Error);
    },
  );
  if (replica === undefined) auditLog?.start();
  else {
    // Other replicas reach this one by the host of its address, whatever it listens on.
    store.seat?.announce(`https://${config.replica?.address.replace(/:\d+$/, "") ?? ""}:${artifactPort}`);
    await replica.seating.start();
  }
  const stopTimers = startTimers(config, parts, store, clock, log);
  const grpc = authority(config.grpc.host, server.port);
  const jsonUrl = `https://${authority(config.json.host, json.port)}`;
  const operatorsGrpc =
    config.operators && server.operatorsPort !== undefined
      ? authority(config.operators.host, server.operatorsPort)
      : undefined;
  const mark = config.replica === undefined ? "" : `-${config.replica.name}`;
  const endpoints = join(config.state_dir, `endpoints${mark}.json`);
  const at = { grpc, json: jsonUrl, artifacts, operators: operatorsGrpc, pid: process.pid };
  writeFileSync(`${endpoints}.new`, `${JSON.stringify(at)}\n`);
  renameSync(`${endpoints}.new`, endpoints);
  const nodes = owner.isReady ? owner.ledger.nodes.size : undefined;
  log.info({ grpc, json: jsonUrl, artifacts, operators: operatorsGrpc, nodes }, "serving");

  return {
    grpc,
    json: jsonUrl,
    artifacts,
    operators: operatorsGrpc,
    reload: () => directory.reload(),
    async stop() {
      await stopTimers();
      // Another takes over while this one still lets its callers go.
      await owner.settled();
      await replica?.seating.stop();
      await auditLog?.stop();
      rmSync(endpoints, { force: true });
      json.stop();
      await server.stop();
      artifactServer.close();
      artifactServer.closeAllConnections();
      replica?.close();
      await owner.settled();
      owner.close();
      await store.close();
    },
  };
}

function startTimers(
  config: Config,
  parts: Pick<Parts, "owner" | "attending" | "trust" | "anomalies" | "pressure">,
  store: Store,
  clock: Clock,
  log: Log,
): () => Promise<void> {
  const { owner, attending, trust, anomalies, pressure } = parts;
  const decide = async (move: Parameters<typeof owner.decide<void>>[0]): Promise<void> => {
    try {
      await owner.decide(move);
    } catch (error) {
      // The owner has logged it and is loading the ledger again; the next turn of the timer tries anew.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  };
  const stale = new StaleWatch(log, (sight) => anomalies.see(sight));
  const tick = (): void => {
    pressure.beat();
    void decide(passTime);
    if (owner.isReady) stale.look(trust.current, clock.now());
    for (const ended of attending.takeDue(clock.now(), config.capacity.vanish_after_ms)) {
      void decide((ledger, now) => noteVanished(ledger, ended, now));
    }
  };
  const ticking = setInterval(tick, TICK_MS);
  const telling = setInterval(() => anomalies.passTime(), TELL_MS);
  const totals = setInterval(() => void decide(writeTotals), TOTALS_MS);
  const tidying = schedule(
    config.maintenance_cron,
    async () => {
      try {
        await store.tidy(clock.now());
        log.info({}, "the store was tidied");
      } catch (error) {
        // Tidying can wait for its next turn; a store that cannot be written shows at the next decision.
        log.error({ err: error }, "the store was not tidied");
      }
    },
    { timezone: "UTC", noOverlap: true },
  );
  return async () => {
    clearInterval(ticking);
    clearInterval(telling);
    clearInterval(totals);
    void tidying.destroy();
    await decide(writeTotals);
  };
}

const writeTotals: Move<void> = ({ pools, tally }) => {
  const demandByPool = new Map([...pools].map(([poolId, pool]) => [poolId, pool.demandMilli] as const));
  return { answer: undefined, changes: [{ kind: "totals", demandByPool, tally }], effects: [] };
};

function countsOf(port: {
  readonly connections_max: number;
  readonly connections_per_address_max: number;
}): ConnectionCounts {
  return { connectionsMax: port.connections_max, connectionsPerAddressMax: port.connections_per_address_max };
}

function cannotListen(
  key: string,
  { host, port }: { readonly host: string; readonly port: number },
  cause: Error,
): Error {
  return new ConfigError(`${key}: cannot listen on ${authority(host, port)}: ${cause.message}`, { cause });
}

function authority(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Makes the state folder; only its owner may look into it. Throws ConfigError. */
export function makeStateDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigError(`state_dir: ${path} cannot be made: ${(cause as Error).message}`, { cause });
  }
}
