import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type DescMethod, type DescService, getOption } from "@bufbuild/protobuf";
import * as v1 from "@moult/contracts/v1";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Server, outcomeOf } from "../testing/any-method.ts";
import { TestCoordinator } from "../testing/coordinator.ts";
import { refusedWith } from "../testing/refusal.ts";

const NO_CREDENTIALS = "UNAUTHENTICATED CREDENTIALS_MISSING";
const DENIED = "PERMISSION_DENIED ACCESS_DENIED";

/** What anyone may call without a proof. */
const OPEN: readonly string[] = ["GetChallenge", "GetMetadata"];

let home: TestCoordinator;
let server: Server;
beforeAll(async () => {
  home = await TestCoordinator.start();
  server = { address: home.running.grpc, ca: readFileSync(join(home.config.state_dir, "tls", "ca.pem")) };
});
afterAll(() => home.stop());

function isService(thing: unknown): thing is DescService {
  return typeof thing === "object" && thing !== null && (thing as DescService).kind === "service";
}

/** Every method there is in the contract, so that a new one cannot be forgotten here. */
const METHODS = (Object.values(v1) as readonly unknown[])
  .filter(isService)
  .flatMap((service) =>
    service.methods.map((method): readonly [string, DescService, DescMethod] => [method.name, service, method]),
  );

function accessOf(method: DescMethod): v1.Access {
  return getOption(method, v1.access);
}

test("the contract has the services that are tested here", () => {
  expect(METHODS.length).toBeGreaterThanOrEqual(26);
  expect(METHODS.filter(([, , method]) => accessOf(method) === v1.Access.UNSPECIFIED)).toEqual([]);
});

test.each(METHODS)("%s lets in whom its option names, and nobody else", async (_, service, method) => {
  const { operatorToken, viewerToken } = home.clients;
  const device = await home.device();
  const outcome = (bearer: string | undefined): Promise<string> => outcomeOf(server, service, method, bearer);
  const got = {
    nobody: await outcome(undefined),
    stranger: await outcome("guessed"),
    device: await outcome(device.token),
    viewer: await outcome(viewerToken),
    operator: await outcome(operatorToken),
  };
  switch (accessOf(method)) {
    case v1.Access.ANYONE:
      // Enrolment and sessions have a proof of their own, which an empty request does not carry.
      expect(got.nobody).toBe(OPEN.includes(method.name) ? "LET IN" : "UNAUTHENTICATED CHALLENGE_INVALID");
      break;
    case v1.Access.DEVICE:
      expect(got).toEqual({
        nobody: NO_CREDENTIALS,
        stranger: NO_CREDENTIALS,
        device: "LET IN",
        viewer: NO_CREDENTIALS,
        operator: NO_CREDENTIALS,
      });
      break;
    case v1.Access.VIEWER:
      expect(got).toEqual({
        nobody: NO_CREDENTIALS,
        stranger: NO_CREDENTIALS,
        device: NO_CREDENTIALS,
        viewer: "LET IN",
        operator: "LET IN",
      });
      break;
    case v1.Access.OPERATOR:
    case v1.Access.RELEASER:
      expect(got).toEqual({
        nobody: NO_CREDENTIALS,
        stranger: NO_CREDENTIALS,
        device: NO_CREDENTIALS,
        viewer: DENIED,
        operator: "LET IN",
      });
      break;
    case v1.Access.BREAKER:
      expect([got.nobody, got.device, got.viewer, got.operator]).toEqual([
        NO_CREDENTIALS,
        NO_CREDENTIALS,
        DENIED,
        "LET IN",
      ]);
      break;
    default:
      expect(got.operator).toBe(DENIED);
  }
});

test("a device speaks for its own node only", async () => {
  const device = await home.device();
  const other = await home.device();
  const { agent } = home.clients;
  const ask = agent.ask(device.askRequest({ node: other.node }), device.session);
  expect(await refusedWith(ask)).toBe("PERMISSION_DENIED NODE_MISMATCH");
  const report = { ...device.reportRequest({ case: "pulse", value: { situation: {} } }), node: other.node };
  expect(await refusedWith(agent.report(report, device.session))).toBe("PERMISSION_DENIED NODE_MISMATCH");
});

test("secrets in the state folder are for their owner's eyes only", () => {
  for (const name of ["operator.token", "viewer.token", "session.key", "tls/ca.key", "tls/server.key"]) {
    expect([name, statSync(join(home.config.state_dir, name)).mode & 0o077]).toEqual([name, 0]);
  }
});
