/**
 * The ceiling: a grpc-js server that decodes an ask, encodes a verdict of usual size, and does nothing in between. Same
 * TLS material and same messages as the coordinator's. Called with the paths of certificate and key; says its port.
 */
import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { bindService } from "@moult/contracts";
import { AgentService, AskResponseSchema, Decision, Gate, Reason } from "@moult/contracts/v1";

const [certFile = "", keyFile = ""] = process.argv.slice(2);
const server = new Server({ "grpc.enable_channelz": 0 });
const never = async (): Promise<never> => {
  throw new Error("the ceiling only answers asks");
};
bindService(
  server,
  AgentService,
  {
    ask: async ({ askId }) =>
      create(AskResponseSchema, {
        verdict: {
          decision: Decision.STAY,
          askId,
          gates: [
            {
              gate: Gate.ALLOWLIST,
              passed: true,
              reason: Reason.PASSED,
              message: "build 0123456789ab of 2.0.0 is listed",
            },
            { gate: Gate.DIAL, passed: true, reason: Reason.PASSED, message: "the dial stands at everyone" },
            { gate: Gate.CAPACITY, passed: true, reason: Reason.PASSED, message: "the pool can spare this node" },
          ],
          retryAfterMs: 300_000,
          message: "nothing to do",
        },
      }),
    getChallenge: never,
    enroll: never,
    openSession: never,
    report: never,
    attend: () => {
      throw new Error("the ceiling only answers asks");
    },
  },
  () => undefined,
  () => undefined,
);
const pair = { cert_chain: readFileSync(certFile), private_key: readFileSync(keyFile) };
server.bindAsync("127.0.0.1:0", ServerCredentials.createSsl(null, [pair]), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${JSON.stringify({ port })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
