/**
 * A workload that a unit of the init system runs. The agent says what is wanted and looks at the socket; it never starts,
 * signals or waits for a process, whose facts its sandbox may hide from it.
 */
import { connect } from "node:net";
import type { BuildManifest } from "@moult/trust";
import { deviceLayout } from "../../layout.ts";
import { type WorkBuild, commandIn } from "../../work/build.ts";
import { type Body, type Life, WorkError } from "../../work/ports.ts";
import type { Clock } from "../../ports.ts";
import { IDENTITY_VARIABLE, type Premises, SOCKET_VARIABLE } from "./find.ts";
import { createSocketVoice } from "./socket-voice.ts";
import { readWanted, writeWanted } from "./wanted.ts";

type Service = Extract<BuildManifest["workload"], { kind: "work-service" }>;

/** Between two looks for what the init system does, in milliseconds. */
const LOOK_MS = 50;

/** The same for a socket that is not there yet: whoever asks the workload sees it sooner. */
const SOCKET_LOOK_MS = 250;

/** What the init system itself may take beside the workload's own time to end, in milliseconds. */
const INIT_MS = 15_000;

/** Where the init system is asked. */
export interface UnitPremises extends Premises {
  readonly deviceDir: string;
  readonly clock: Clock;
  readonly stopGraceMs: number;
}

/** The body of a workload in a unit; its parts are in `folder`, `env` comes from the configuration. */
export function createUnitBody(
  build: WorkBuild,
  workload: Service,
  folder: string,
  premises: UnitPremises,
  env: Readonly<Record<string, string>>,
): Body {
  const { disk, socketPath, deviceDir } = premises;
  const { workWanted } = deviceLayout(deviceDir);
  return {
    async start() {
      await stopDone(premises);
      await writeWanted(disk, workWanted, {
        identity: build.identity,
        argv: commandIn(folder, workload.command),
        cwd: folder,
        env: { ...env, [SOCKET_VARIABLE]: socketPath, [IDENTITY_VARIABLE]: build.identity },
      });
      return lifeOf(premises);
    },
    async adopt() {
      const wanted = await readWanted(disk, workWanted);
      return wanted?.identity === build.identity ? lifeOf(premises) : undefined;
    },
    speak: () => createSocketVoice(socketPath),
  };
}

/** Stops whatever workload the unit runs, but for that of `identity`. Throws WorkError, DiskError. */
export async function stopOtherUnit(premises: UnitPremises, identity: string | undefined): Promise<void> {
  const { disk, deviceDir } = premises;
  const { workWanted } = deviceLayout(deviceDir);
  if ((await disk.entry(workWanted)) === undefined) return stopDone(premises);
  const wanted = await readWanted(disk, workWanted);
  if (wanted === undefined || wanted.identity !== identity) await stopUnit(premises);
}

/** Asks the init system to stop the unit, and waits until it has. */
async function stopUnit(premises: UnitPremises): Promise<void> {
  const { disk, deviceDir } = premises;
  const { workWanted, workUnwanted } = deviceLayout(deviceDir);
  // In this order: what is stopped must not be found wanted and started again.
  await disk.removeFile(workWanted);
  const file = await disk.rewrite(workUnwanted, "plain");
  await file.close();
  await stopDone(premises);
}

/** Waits until the init system has stopped what was to be stopped. Throws WorkError where it does not in time. */
async function stopDone({ disk, deviceDir, clock, stopGraceMs }: UnitPremises): Promise<void> {
  const { workUnwanted } = deviceLayout(deviceDir);
  const deadlineMs = clock.nowMs() + stopGraceMs + INIT_MS;
  while ((await disk.entry(workUnwanted)) !== undefined) {
    if (clock.nowMs() >= deadlineMs) {
      throw new WorkError("NOT_STOPPED", "The init system did not stop the workload's unit in time.");
    }
    await clock.wait(LOOK_MS);
  }
}

function lifeOf(premises: UnitPremises): Life {
  const ended = new AbortController();
  return {
    ended: watchSocket(premises, ended.signal),
    async stop() {
      ended.abort();
      await stopUnit(premises);
    },
  };
}

/** Resolves when somebody listened and nobody does any more. One idle connection notices the end without asking. */
async function watchSocket({ socketPath, clock }: UnitPremises, signal: AbortSignal): Promise<void> {
  let listened = false;
  while (!signal.aborted) {
    if (await holdConnection(socketPath, signal)) listened = true;
    else if (listened) return;
    else await clock.wait(SOCKET_LOOK_MS, signal);
  }
}

/** Connects, and resolves when the other side closes: true; false where nobody listens. */
function holdConnection(socketPath: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    let connected = false;
    const abort = (): void => void socket.destroy();
    signal.addEventListener("abort", abort, { once: true });
    socket.on("connect", () => (connected = true));
    // Whatever is said on it is gRPC's greeting.
    socket.resume();
    // `close` follows every error.
    socket.on("error", () => {});
    socket.on("close", () => {
      signal.removeEventListener("abort", abort);
      resolve(connected);
    });
  });
}
