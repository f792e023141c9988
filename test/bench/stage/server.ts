/**
 * A workload for benches: serves WorkService, and answers `1` to whoever connects to the port in BENCH_PORT. Says what it
 * takes to start: the time from its own first instant to serving is written to the file in BENCH_TIMES.
 */
import { appendFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { bindService } from "../../../packages/contracts/src/index.ts";
import {
  DrainResponseSchema,
  RestoreResponseSchema,
  SituationResponseSchema,
  State,
  WorkService,
} from "../../../packages/contracts/src/work.ts";

const socket = process.env["MOULT_WORK_SOCKET"] ?? "";
const times = process.env["BENCH_TIMES"] ?? "";
const port = Number(process.env["BENCH_PORT"]);
let draining = false;
const server = new Server();
bindService(
  server,
  WorkService,
  {
    situation: async () =>
      create(SituationResponseSchema, { state: draining ? State.DRAINING : State.SERVING, capacityRps: 10 }),
    async drain() {
      draining = true;
      return create(DrainResponseSchema);
    },
    async restore() {
      draining = false;
      return create(RestoreResponseSchema);
    },
  },
  () => undefined,
  () => undefined,
);
/** Serves, or says that nothing new is taken. */
const door = createServer((caller) => caller.on("error", () => undefined).end(draining ? "0" : "1"));
rmSync(socket, { force: true });
server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  door.listen(port, "127.0.0.1", () => appendFileSync(times, `${performance.now()}\n`));
});
