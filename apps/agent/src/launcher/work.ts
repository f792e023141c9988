/**
 * `launcher.mjs work`: becomes the workload that the agent wants, in a unit of its own, so that the workload neither lives
 * in the agent's sandbox nor ends with the agent. Believes nothing in the agent's file that it can check.
 */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { SOCKET_VARIABLE } from "../adapters/work/find.ts";
import { readWanted } from "../adapters/work/wanted.ts";
import { processFacts } from "../adapters/work/process-facts.ts";
import { writeWorkRecord } from "../adapters/work/record.ts";
import { EXIT_FAILED, EXIT_STOPPED } from "../exit-codes.ts";
import { deviceLayout } from "../layout.ts";
import type { Site } from "./site.ts";

/** Becomes the workload. Returns only where none is wanted, or none that may be run. */
export async function becomeWork(site: Site): Promise<number> {
  const { disk, deviceDir, runFolder, socketPath, bootId, env, say } = site;
  const { work, workWanted } = deviceLayout(deviceDir);
  if ((await disk.entry(workWanted)) === undefined) {
    say("info", "no workload is wanted");
    return EXIT_STOPPED;
  }
  const wanted = await readWanted(disk, workWanted);
  const refusal =
    wanted === undefined
      ? "it cannot be read"
      : wanted.cwd !== join(work, wanted.identity)
        ? "it is not in the workloads' folder"
        : wanted.env[SOCKET_VARIABLE] !== socketPath
          ? "it listens elsewhere"
          : undefined;
  if (wanted === undefined || refusal !== undefined) {
    say("error", `the workload that is wanted is not run: ${refusal ?? ""}`);
    return EXIT_FAILED;
  }
  const { identity, argv, cwd } = wanted;
  const program = await findProgram(argv[0] ?? "", cwd, env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin");
  if (program === undefined) {
    say("error", `the workload's program ${argv[0]} is not there`);
    return EXIT_FAILED;
  }
  const facts = await processFacts(process.pid);
  // For whoever looks; a user who may not write here runs a workload all the same.
  if (facts) await writeWorkRecord(disk, runFolder, { identity, bootId, pid: facts.pid, startTicks: facts.startTicks });
  // A workload that was killed leaves its socket, and few programs take over one that is there.
  await disk.removeFile(socketPath);
  process.chdir(cwd);
  const inherited = Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  process.removeAllListeners("warning");
  process.execve?.(program, [...argv], { ...Object.fromEntries(inherited), ...wanted.env });
  throw new Error(`The workload at ${program} could not be executed.`);
}

async function findProgram(name: string, cwd: string, path: string): Promise<string | undefined> {
  const places = name.includes("/") ? [cwd] : path.split(":").filter((folder) => folder.startsWith("/"));
  for (const place of places) {
    const candidate = resolve(place, name);
    if (
      await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return candidate;
  }
  return undefined;
}
