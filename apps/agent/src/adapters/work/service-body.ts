/** A workload that is a program: a child in a session of its own, which goes on when its agent ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { BuildManifest } from "@moult/trust";
import { type WorkBuild, commandIn } from "../../work/build.ts";
import type { Body, Life } from "../../work/ports.ts";
import { IDENTITY_VARIABLE, type Premises, SOCKET_VARIABLE, findWork } from "./find.ts";
import { processFacts } from "./process-facts.ts";
import { endGroup, watchEnd } from "./process-group.ts";
import { removeWorkRecord, writeWorkRecord } from "./record.ts";
import { createSocketVoice } from "./socket-voice.ts";

type Service = Extract<BuildManifest["workload"], { kind: "work-service" }>;

/** Of the agent's own environment a workload gets these and nothing else: the rest may hold secrets. */
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LANG", "TZ"] as const;

/** The body of a workload that serves WorkService; its parts are in `folder`, `env` comes from the configuration. */
export function createServiceBody(
  build: WorkBuild,
  workload: Service,
  folder: string,
  premises: Premises,
  env: Readonly<Record<string, string>>,
): Body {
  return {
    async start() {
      // A socket nobody listens on any more would keep the new run from listening.
      await premises.disk.removeFile(premises.socketPath);
      const [program = "", ...args] = commandIn(folder, workload.command);
      const child = spawn(program, args, {
        cwd: folder,
        detached: true,
        // No pipe: it would break, and the workload with it, when the agent ends.
        stdio: "ignore",
        env: environment(env, premises, build),
      });
      await once(child, "spawn");
      child.unref();
      return lifeOfChild(child, build, premises);
    },
    async adopt() {
      const found = (await findWork(premises)).find((work) => work.identity === build.identity);
      if (found === undefined) return undefined;
      const ended = watchEnd(found.process);
      return { ended, stop: (graceMs) => endGroup(found.process, graceMs) };
    },
    speak: () => createSocketVoice(premises.socketPath),
  };
}

function environment(
  env: Readonly<Record<string, string>>,
  { socketPath }: Premises,
  { identity }: WorkBuild,
): Record<string, string> {
  const passed = PASSED_ON.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]]));
  return {
    ...(Object.fromEntries(passed) as Record<string, string>),
    ...env,
    [SOCKET_VARIABLE]: socketPath,
    [IDENTITY_VARIABLE]: identity,
  };
}

async function lifeOfChild(child: ChildProcess, build: WorkBuild, premises: Premises): Promise<Life> {
  const { disk, runFolder, bootId } = premises;
  const ended =
    child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve()
      : new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const facts = child.pid === undefined ? undefined : await processFacts(child.pid);
  // Gone before it could be looked at.
  if (facts === undefined) return { ended, stop: () => ended };
  const { pid, startTicks } = facts;
  await writeWorkRecord(disk, runFolder, { identity: build.identity, bootId, pid, startTicks });
  return {
    ended,
    async stop(graceMs) {
      await endGroup(facts, graceMs);
      await removeWorkRecord(disk, runFolder);
    },
  };
}
