/**
 * Which log is read and whom is believed: its address, its key, and the witnesses. Nothing of it comes from the log's own
 * server; without a key there is nothing to check a log by.
 */
import { join } from "node:path";
import { AuditError, type VerifierKey, parseVkey } from "@moult/trust/audit";
import type { Command } from "commander";
import { wholeNumber } from "../arguments/numbers.ts";
import { readStateDir } from "../connection/state-dir.ts";
import { type CliError, usageError } from "../errors.ts";
import { readBounded } from "../files.ts";
import type { Ports } from "../ports.ts";
import { type OutputOptions, type VerbText, about, addVerb, repeatable } from "../verb.ts";

/** The options as they were given. */
export interface LogOptions extends OutputOptions {
  readonly log?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly stateDir?: string;
  readonly witness: readonly string[];
  readonly quorum?: number;
}

/** What a reader of the log needs. */
export interface LogSettings {
  /** The log's prefix, without a slash at the end. */
  readonly url: string;
  readonly caPem: string | undefined;
  readonly key: VerifierKey;
  readonly witnesses: readonly VerifierKey[];
  /** How many of them must have cosigned. */
  readonly quorum: number;
}

/** Keys, certificates: some kilobytes at most. */
const FILE_BYTES_MAX = 1_048_576;
/** More witnesses than any log has. */
const QUORUM_MAX = 64;

/** Adds a verb that reads a log. */
export function addLogVerb(parent: Command, text: VerbText): Command {
  return addVerb(parent, text)
    .option(
      "--state-dir <dir>",
      "state folder of a coordinator on this machine: its log, key and authority [MOULT_STATE_DIR]",
    )
    .option("--log <url>", "prefix of the log, as in https://127.0.0.1:7444/v1/audit [MOULT_AUDIT_LOG]")
    .option("--key <vkey>", "the log's key, name+keyid+base64, or a file that holds it [MOULT_AUDIT_KEY]")
    .option("--ca <file>", "PEM file of the authority to trust; the machine's own where not given [MOULT_CA]")
    .addOption(repeatable("--witness <vkey>", "key of a witness, or a file that holds it"))
    .option(
      "--quorum <n>",
      "how many witnesses must have cosigned; all where not given",
      about("--quorum", wholeNumber(0, QUORUM_MAX)),
    );
}

/** The settings, from options, environment and files. Throws CliError USAGE. */
export function readLogSettings(options: LogOptions, env: Ports["env"]): LogSettings {
  const folder =
    options.stateDir ?? (variable(env, "MOULT_AUDIT_LOG") === undefined ? variable(env, "MOULT_STATE_DIR") : undefined);
  const here = folder === undefined ? undefined : readStateDir(folder);
  const url = options.log ?? (here && `${here.endpoints().artifacts}/v1/audit`) ?? variable(env, "MOULT_AUDIT_LOG");
  if (url === undefined) throw usageError("Which log?", "Give --log URL, or --state-dir DIR of its coordinator.");
  const keyText = options.key ?? (folder && join(folder, "audit", "log.vkey")) ?? variable(env, "MOULT_AUDIT_KEY");
  if (keyText === undefined)
    throw usageError("Whose log?", "Give its key: --key VKEY, as in audit/log.vkey of its coordinator.");
  const caFile = options.ca ?? here?.caFile ?? variable(env, "MOULT_CA");
  const witnesses = options.witness.map((text) => readVkey(text, "cosignature", "--witness"));
  const quorum = options.quorum ?? witnesses.length;
  if (quorum > witnesses.length)
    throw usageError(`${quorum} witnesses are wanted; --witness names ${witnesses.length}.`);
  return {
    url: checkUrl(url),
    caPem: caFile === undefined ? undefined : text(caFile),
    key: readVkey(keyText, "note", "--key"),
    witnesses,
    quorum,
  };
}

/** A key on the command line, or in a file. Throws CliError USAGE. */
export function readVkey(value: string, use: "note" | "cosignature", option: string): VerifierKey {
  const vkey = /^[^+/]+(?:\/[^+/]+)*\+[0-9a-f]{8}\+/.test(value) ? value : text(value).trim();
  try {
    return parseVkey(vkey, use);
  } catch (error) {
    if (error instanceof AuditError) throw usageError(`${option}: ${error.message}`);
    throw error;
  }
}

function variable(env: Ports["env"], name: string): string | undefined {
  return env[name] === "" ? undefined : env[name];
}

function text(path: string): string {
  return new TextDecoder().decode(readBounded(path, FILE_BYTES_MAX));
}

/** What is read there proves itself, so that http will do. */
function checkUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isWeb = url?.protocol === "https:" || url?.protocol === "http:";
  if (!isWeb || url.search !== "" || url.hash !== "" || url.username !== "") throw noUrl(value);
  return value.replace(/\/+$/, "");
}

function noUrl(value: string): CliError {
  return usageError(`"${value}" is not the URL of a log.`, "Write it as in https://127.0.0.1:7444/v1/audit.");
}
