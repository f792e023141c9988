/**
 * Where the coordinator is and who calls. What is said for one thing wins over a state folder, and the command line wins
 * over the environment: flag, folder by flag, variable, folder by variable.
 */
import { createSecureContext } from "node:tls";
import type { ClientCertificate } from "@moult/contracts";
import { type CliError, usageError } from "../errors.ts";
import { readBounded } from "../files.ts";
import type { Ports } from "../ports.ts";
import { type StateDir, readStateDir } from "./state-dir.ts";

/** The connection's options as they were given. */
export interface ConnectionOptions {
  readonly coordinator?: string;
  readonly artifacts?: string;
  readonly ca?: string;
  readonly tokenFile?: string;
  readonly cert?: string;
  readonly certKey?: string;
  readonly stateDir?: string;
  /** How long one call may take, in milliseconds. */
  readonly timeout: number;
}

/** What a connection needs. */
export interface ConnectionSettings {
  /** `host:port`. */
  readonly address: string;
  /** Base URL of the artifact endpoint, without a slash at the end; undefined where nobody said. */
  readonly artifactsUrl: string | undefined;
  /** PEM of the authority that is trusted; undefined for the machine's own. */
  readonly caPem: string | undefined;
  /** The caller's token; undefined where a certificate says who calls, and for a stranger, who needs none. */
  readonly token: string | undefined;
  /** The operator's certificate and key; undefined where a token says who calls, and for a stranger. */
  readonly own: ClientCertificate | undefined;
  readonly timeoutMs: number;
}

/** Certificates and tokens are some kilobytes at most. */
const FILE_BYTES_MAX = 1_048_576;

const ADDRESS = /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9a-fA-F:.]{2,45}\]):\d{1,5}$/;
/** What a header may carry. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

const WHERE =
  "Give --state-dir DIR of the coordinator, or --coordinator HOST:PORT (MOULT_STATE_DIR, MOULT_COORDINATOR).";
const WHO =
  "Give --token-file FILE, --cert FILE with --cert-key FILE, or --state-dir DIR of the coordinator (MOULT_TOKEN_FILE, " +
  "MOULT_CERT, MOULT_CERT_KEY, MOULT_STATE_DIR).";

/** As whom a command calls: by which token of a state folder, or as a stranger. */
export type Caller = "operator.token" | "publisher.token" | "breaker.token" | "stranger";

/** The settings, read from options, environment and files. Throws CliError USAGE. */
export function readSettings(
  options: ConnectionOptions,
  env: Ports["env"],
  caller: Caller = "operator.token",
): ConnectionSettings {
  const byFlag = lazyStateDir(options.stateDir, caller);
  const byVariable = lazyStateDir(variable(env, "MOULT_STATE_DIR"), caller);
  const pick = (flag: string | undefined, of: (dir: StateDir) => string, name: string): string | undefined =>
    flag ?? through(byFlag, of) ?? variable(env, name) ?? through(byVariable, of);

  const own = caller === "stranger" ? undefined : readOwn(options, env);
  const port = (dir: StateDir): string => (own && dir.endpoints().operators) ?? dir.endpoints().grpc;
  const address = pick(options.coordinator, port, "MOULT_COORDINATOR");
  if (address === undefined) throw usageError("Which coordinator?", WHERE);
  if (!ADDRESS.test(address)) throw usageError(`"${address}" is not an address.`, "Write it as in 127.0.0.1:7443.");

  const tokenFile =
    own === undefined && caller !== "stranger"
      ? pick(options.tokenFile, (dir) => dir.tokenFile, "MOULT_TOKEN_FILE")
      : own && options.tokenFile;
  if (tokenFile === undefined && own === undefined && caller !== "stranger") throw usageError("Who are you?", WHO);
  const token = tokenFile === undefined ? undefined : readText(tokenFile).trim();
  if (token !== undefined && !TOKEN.test(token)) throw usageError(`${tokenFile} holds no token.`, WHO);

  const caFile = pick(options.ca, (dir) => dir.caFile, "MOULT_CA");
  const caPem = caFile === undefined ? undefined : readText(caFile);
  if (caPem !== undefined && !caPem.includes("-----BEGIN CERTIFICATE-----")) {
    throw usageError(`${caFile} holds no certificate in PEM.`, "Give the coordinator's tls/ca.pem: --ca FILE");
  }

  const artifacts = pick(options.artifacts, (dir) => dir.endpoints().artifacts, "MOULT_ARTIFACTS");
  const artifactsUrl = artifacts === undefined ? undefined : checkUrl(artifacts);
  return { address, artifactsUrl, caPem, token, own, timeoutMs: options.timeout };
}

/** The certificate with its key. One token on the command line wins over a certificate in the environment. */
function readOwn(options: ConnectionOptions, env: Ports["env"]): ClientCertificate | undefined {
  const given = options.cert !== undefined || options.certKey !== undefined;
  if (!given && options.tokenFile !== undefined) return undefined;
  const certFile = options.cert ?? variable(env, "MOULT_CERT");
  const keyFile = options.certKey ?? variable(env, "MOULT_CERT_KEY");
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw usageError("A certificate needs its key, and a key its certificate.", WHO);
  }
  const [certificatePem, keyPem] = [readText(certFile), readText(keyFile)];
  try {
    createSecureContext({ cert: certificatePem, key: keyPem });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usageError(
      `${certFile} and ${keyFile} are no certificate and its key: ${why}`,
      "Make them: moult operator cert",
    );
  }
  return { certificatePem, keyPem };
}

/** An empty variable is none. */
function variable(env: Ports["env"], name: string): string | undefined {
  return env[name] === "" ? undefined : env[name];
}

/** Nothing of a state folder is read before it is needed. */
function lazyStateDir(path: string | undefined, caller: Caller): StateDir | undefined {
  return path === undefined ? undefined : readStateDir(path, caller);
}

function through(dir: StateDir | undefined, of: (dir: StateDir) => string): string | undefined {
  return dir === undefined ? undefined : of(dir);
}

function readText(path: string): string {
  return new TextDecoder().decode(readBounded(path, FILE_BYTES_MAX));
}

/** Only https: the operator's token goes there. */
function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" || url.search !== "" || url.hash !== "" || url.username !== "") throw noUrl(text);
  return text.replace(/\/+$/, "");
}

function noUrl(text: string): CliError {
  return usageError(`"${text}" is not the URL of an artifact endpoint.`, "Write it as in https://127.0.0.1:7444.");
}
