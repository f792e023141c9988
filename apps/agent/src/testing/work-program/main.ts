/**
 * A workload for tests, as a program: it serves WorkService and says what the file `$CONTROL` tells it to say. Drain and
 * Restore are written to `$CONTROL.calls`.
 */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { bindService } from "@moult/contracts";
import {
  DrainResponseSchema,
  RestoreResponseSchema,
  SituationResponseSchema,
  State,
  WorkService,
} from "@moult/contracts/work";

const control = process.env["CONTROL"] ?? "";
const socket = process.env["MOULT_WORK_SOCKET"] ?? "";
let draining = false;
const note = (line: string): void => appendFileSync(`${control}.calls`, `${process.pid} ${line}\n`);

const server = new Server();
bindService(
  server,
  WorkService,
  {
    async situation() {
      const said = JSON.parse(readFileSync(control, "utf8")) as Record<string, unknown>;
      const state = draining ? State.DRAINING : State.SERVING;
      return create(SituationResponseSchema, { state, capacityRps: 20, shards: ["s1"], ...said });
    },
    async drain() {
      note("drain");
      draining = true;
      return create(DrainResponseSchema);
    },
    async restore({ shards }) {
      note(`restore ${shards.join(",")}`);
      draining = false;
      return create(RestoreResponseSchema);
    },
  },
  () => undefined,
  (error) => note(`defect ${String(error)}`),
);
if (process.env["DEAF"] === "1") process.on("SIGTERM", () => note("deaf to SIGTERM"));
rmSync(socket, { force: true });
server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  writeFileSync(`${control}.environment`, JSON.stringify(process.env));
});
