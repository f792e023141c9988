/** What a coordinator leaves in its state folder for operators on the same machine. */
import { join } from "node:path";
import { CliError, usageError } from "../errors.ts";
import { exists, readBounded } from "../files.ts";

/** Some hundred bytes in truth. */
const ENDPOINTS_BYTES_MAX = 65_536;

/** Where a coordinator listens. */
interface Endpoints {
  readonly grpc: string;
  readonly artifacts: string;
  /** The port for client certificates; undefined where there is none. */
  readonly operators: string | undefined;
}

/** Paths in the folder, and what `endpoints.json` says. */
export interface StateDir {
  readonly caFile: string;
  readonly tokenFile: string;
  /** Where the coordinator listens since its last start. Throws CliError UNREACHABLE where none runs, or USAGE. */
  readonly endpoints: () => Endpoints;
}

/** The folder at `path`, for whoever calls with its token of this name. Reads nothing yet. */
export function readStateDir(path: string, tokenName = "operator.token"): StateDir {
  return {
    caFile: join(path, "tls", "ca.pem"),
    tokenFile: join(path, tokenName),
    endpoints: () => readEndpoints(join(path, "endpoints.json")),
  };
}

function readEndpoints(path: string): Endpoints {
  if (!exists(path)) {
    throw new CliError("UNREACHABLE", `No coordinator runs on this folder: ${path} is not there.`, {
      advice: ["Start it, or name the state folder of one that runs: --state-dir DIR"],
    });
  }
  const text = new TextDecoder().decode(readBounded(path, ENDPOINTS_BYTES_MAX));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (typeof value === "object" && value !== null && "grpc" in value && "artifacts" in value) {
    const { grpc, artifacts } = value;
    const operators = "operators" in value && typeof value.operators === "string" ? value.operators : undefined;
    if (typeof grpc === "string" && typeof artifacts === "string") return { grpc, artifacts, operators };
  }
  throw usageError(
    `${path} does not say where the coordinator listens.`,
    "Start the coordinator; it writes that file.",
  );
}
