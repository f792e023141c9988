/** The workload's face to its agent: `moult.work.v1.WorkService` on the Unix socket it was given. */
import { rm } from "node:fs/promises";
import { create } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { type Implementation, bindService } from "@moult/contracts";
import {
  DrainResponseSchema,
  RestoreResponseSchema,
  SituationResponseSchema,
  State,
  WorkService,
} from "@moult/contracts/work";
import type { Work } from "./http.ts";
import type { Phase } from "./state.ts";

const STATES: Readonly<Record<Phase, State>> = {
  STARTING: State.STARTING,
  SERVING: State.SERVING,
  DRAINING: State.DRAINING,
  FAILED: State.FAILED,
  STOPPING: State.DRAINING,
};

/** Serves `work` on its socket. A socket left over from an earlier start is removed first. */
export async function serveWork(work: Work): Promise<Server> {
  const { settings, state, queue, rate } = work;
  const implementation: Implementation<typeof WorkService, undefined> = {
    async situation() {
      return create(SituationResponseSchema, {
        state: STATES[state.phase],
        capacityRps: settings.capacityRps,
        loadRps: rate.perSecond(work.nowMs()),
        inFlight: queue.inFlight,
        startedTotal: BigInt(queue.startedTotal),
        endpoint: `127.0.0.1:${settings.port}`,
        message: state.message,
      });
    },
    async drain() {
      state.drain();
      return create(DrainResponseSchema);
    },
    async restore() {
      state.restore();
      return create(RestoreResponseSchema);
    },
  };
  const server = new Server({ "grpc.enable_channelz": 0 });
  bindService(
    server,
    WorkService,
    implementation,
    () => undefined,
    (error) => void process.stderr.write(`work service: ${String(error)}\n`),
  );
  await rm(settings.workSocket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${settings.workSocket}`, ServerCredentials.createInsecure(), (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
  return server;
}
