#!/usr/bin/env node
/** The coordinator's process: reads the configuration, builds what is real, serves until it is told to stop. */
import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pino from "pino";
import { runBackup, runRestore } from "./commands/backup.ts";
import { ConfigError, configJsonSchema, readConfig } from "./config.ts";
import { makeStateDir, startCoordinator } from "./coordinator.ts";
import { OperatorsFileError } from "./identity/operators-file.ts";
import { SecretError } from "./identity/secret-file.ts";
import { processLog } from "./logs/process-log.ts";
import { SparingLog } from "./logs/sparing-log.ts";
import { tuneCollector } from "./operations/collector.ts";
import { serviceManager } from "./operations/service-manager.ts";
import type { Random } from "./ports.ts";
import { openStore } from "./store/open.ts";
import { StoreError } from "./store/port.ts";
import { TlsError } from "./tls/certificate.ts";

const HELP = `Runs a Moult coordinator.

Usage: coordinator --config FILE
       coordinator backup --config FILE --out FILE [--json]
       coordinator restore --config FILE --from FILE [--accept-loss] [--json]

Commands:
  backup          writes the whole store into one file, also beside a coordinator that works
  restore         makes a store of a backup, on either engine, where there is none; refused where the backup is older than
                  what was signed since or what a witness saw. A restored store begins new epochs

Options:
  --config FILE   YAML configuration; MOULT_SECTION__KEY=VALUE in the environment overrides SECTION.KEY
  --out FILE      where the backup is written
  --from FILE     the backup to restore
  --accept-loss   restore a backup that is older than what was decided, under a new name of the log (audit.origin); the
                  restored fleet has its brake engaged
  --json          print what was done as JSON
  --schema        print the JSON Schema of the configuration, and exit
  --help          print this, and exit

Signals: SIGHUP reads the table of operators and the certificate again. SIGTERM and SIGINT stop: whoever is there is let
go within some seconds; the second of them ends the process at once.

Environment: LOG_LEVEL is log_level; OTEL_METRICS_EXPORTER=otlp sends metrics to OTEL_EXPORTER_OTLP_ENDPOINT.

Exit codes: 0 stopped as told or done, 1 failed or ended at once, 2 the command line or the configuration is wrong, 3 the store or the backup
cannot be used.

Examples: coordinator --config /etc/moult/coordinator.yaml
          coordinator backup --config /etc/moult/coordinator.yaml --out /var/backups/moult.backup
          MOULT_STORE=postgres://moult@db/moult coordinator restore --config coordinator.yaml --from moult.backup
`;

const [STDOUT, STDERR] = [1, 2];

const RANDOM: Random = { bytes: (count) => randomBytes(count), uuid: () => randomUUID() };

const EXIT = { usage: 2, store: 3 } as const;

/** How often lines that were held back are looked at, in milliseconds. */
const LOG_LOOK_MS = 1_000;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      config: { type: "string" },
      out: { type: "string" },
      from: { type: "string" },
      "accept-loss": { type: "boolean" },
      json: { type: "boolean" },
      schema: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  if (values.schema) return void process.stdout.write(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
  if (values.config === undefined) throw new ConfigError("say where the configuration is: --config FILE");
  const config = readConfig(values.config, process.env);
  const [command, ...more] = positionals;
  if ((command !== undefined && command !== "backup" && command !== "restore") || more.length > 0) {
    throw new ConfigError(`there is no command "${positionals.join(" ")}"; see --help`);
  }
  // What a command prints is read by machines: its log goes elsewhere.
  const destination = pino.destination(command === undefined ? STDOUT : STDERR);
  const log = new SparingLog(processLog(config.log_level, config.network, destination), () => performance.now());
  setInterval(() => log.passTime(), LOG_LOOK_MS).unref();
  if (command !== undefined) {
    const parts = { config, clock: { now: () => Date.now() }, random: RANDOM, log };
    const done =
      command === "backup"
        ? await runBackup(parts, values.out)
        : await runRestore(parts, values.from, values["accept-loss"]);
    return void process.stdout.write(values.json ? `${JSON.stringify(done.facts)}\n` : `${done.sentence}\n`);
  }
  tuneCollector();
  makeStateDir(config.state_dir);
  const { store: engine, state_dir: stateDir, network } = config;
  const instance = randomUUID();
  const store = await openStore({
    store: engine,
    stateDir,
    network,
    owner: instance,
    replica: config.replica,
    log,
  });
  // The wall clock says when this is; from then on time only goes forward, whatever is done to the wall clock.
  const [startedAtMs, startedAt] = [Date.now(), performance.now()];
  const running = await startCoordinator(config, {
    clock: { now: () => startedAtMs + Math.floor(performance.now() - startedAt) },
    uptime: { now: () => Number(process.hrtime.bigint() / 1_000_000n) },
    random: RANDOM,
    log,
    store,
    self: { version: versionHere(), instance, env: process.env, joinedLines: () => log.joined },
  });
  const manager = serviceManager(process.env, log);
  manager.ready();
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      log.warn({ signal }, "told a second time: ending at once");
      process.exit(1);
    }
    isStopping = true;
    log.info({ signal }, "stopping");
    manager.stopping();
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, "did not stop cleanly");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", running.reload);
}

/** The version of everything is the root's. */
function versionHere(): string {
  const path = join(import.meta.dirname, "..", "..", "..", "package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }).version;
}

main().catch((error: unknown) => {
  const usage =
    error instanceof ConfigError ||
    error instanceof SecretError ||
    error instanceof OperatorsFileError ||
    error instanceof TlsError ||
    (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
  const known = usage || error instanceof StoreError;
  process.stderr.write(`${known ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`);
  process.exit(usage ? EXIT.usage : error instanceof StoreError ? EXIT.store : 1);
});
