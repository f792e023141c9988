/** Options by which a publisher signs, worded once for `publish` and `renew`. */
import { STATEMENT_BYTES_MAX } from "@moult/trust/statement";
import { TIMESTAMP_LIFETIME_MAX_MS } from "@moult/trust/tuf";
import { type Command, Option } from "commander";
import { parseDurationMs } from "../../arguments/duration.ts";
import { rootOption, rootPaths } from "../../ceremony/options.ts";
import { type RootChain, readRoots } from "../../ceremony/roots.ts";
import { usageError } from "../../errors.ts";
import { exists, readBounded } from "../../files.ts";
import type { Ports } from "../../ports.ts";
import { type PublisherMemory, openMemory } from "../../publisher/memory.ts";
import type { SignWish } from "../../publisher/sign-files.ts";
import { type CallOptions, about, repeatable } from "../../verb.ts";
import { readPrivateKey } from "../key/private-key.ts";

/** The options as they were given. */
export interface PublisherOptions extends CallOptions {
  readonly key: readonly string[];
  readonly root: readonly string[];
  readonly brake: readonly string[];
  readonly memory?: string;
  /** Milliseconds. */
  readonly snapshotFor: number;
  /** Milliseconds. */
  readonly timestampFor: number;
}

const SNAPSHOT_FOR = "7d";
const TIMESTAMP_FOR = "24h";

/** Adds them. */
export function addPublisherOptions(verb: Command): Command {
  const lifetime = (flags: string, what: string, byDefault: string): Option =>
    new Option(flags, what)
      .default(parseDurationMs(byDefault), byDefault)
      .argParser(about(flags.split(" ")[0] ?? "", parseDurationMs));
  return verb
    .addOption(repeatable("--key <file>", "the publisher's private key"))
    .addOption(rootOption())
    .addOption(
      repeatable(
        "--brake <file>",
        "a signed brake to name, straight from the breaker; those that the coordinator has are named anyway",
      ),
    )
    .option("--memory <file>", "what was published last; made where it is not there, and then stands in for --root")
    .addOption(lifetime("--snapshot-for <duration>", "how long the snapshot counts", SNAPSHOT_FOR))
    .addOption(lifetime("--timestamp-for <duration>", "how long the timestamp counts, at most 24h", TIMESTAMP_FOR));
}

/** Roots and memory. Throws CliError USAGE where nothing says whom to trust. */
export function readTrust(
  { root, memory }: PublisherOptions,
  env: Ports["env"],
): { readonly roots: RootChain | undefined; readonly memory: PublisherMemory } {
  const paths = rootPaths(root, env);
  const roots = paths.length === 0 && memory !== undefined && exists(memory) ? undefined : readRoots(paths);
  const [first] = roots?.files ?? [];
  return { roots, memory: openMemory(first?.bytes ?? new Uint8Array(), memory) };
}

/** Signed brakes that the person brings. Nothing about them is verified yet. Throws CliError. */
export function readBrakes({ brake }: PublisherOptions): readonly Uint8Array[] {
  return brake.map((path) => readBounded(path, STATEMENT_BYTES_MAX));
}

/** What to sign with. Throws CliError USAGE. */
export function readWish(options: PublisherOptions, ports: Ports): Omit<SignWish, "nowMs" | "brakes"> {
  const { key, snapshotFor: snapshotLifetimeMs, timestampFor: timestampLifetimeMs } = options;
  if (key.length === 0) throw usageError("Sign with what?", "Give the publisher's key: --key FILE");
  if (timestampLifetimeMs < 1000 || timestampLifetimeMs > TIMESTAMP_LIFETIME_MAX_MS) {
    throw usageError("--timestamp-for: a timestamp counts for 1s to 24h.");
  }
  return { keys: key.map((path) => readPrivateKey(path, ports)), snapshotLifetimeMs, timestampLifetimeMs };
}
