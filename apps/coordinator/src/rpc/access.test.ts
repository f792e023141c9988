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

/** Which of the local tokens let a caller in, by what the method's option says. */
const LET_IN: Readonly<Partial<Record<v1.Access, readonly string[]>>> = {
  [v1.Access.DEVICE]: ["device"],
  [v1.Access.VIEWER]: ["viewer", "operator", "publisher", "breaker"],
  [v1.Access.OPERATOR]: ["operator"],
  [v1.Access.RELEASER]: ["operator"],
  [v1.Access.PUBLISHER]: ["publisher"],
  [v1.Access.BREAKER]: ["breaker"],
};

test.each(METHODS)("%s lets in whom its option names, and nobody else", async (_, service, method) => {
  const device = await home.device();
  const outcome = (bearer: string | undefined): Promise<string> => outcomeOf(server, service, method, bearer);
  const token = (name: string): string => readFileSync(join(home.config.state_dir, `${name}.token`), "utf8").trim();
  const wanted = accessOf(method);
  if (wanted === v1.Access.ANYONE) {
    // Enrolment and sessions have a proof of their own, which an empty request does not carry.
    const proves = method.name === "Enroll" || method.name === "OpenSession";
    expect(await outcome(undefined)).toBe(proves ? "UNAUTHENTICATED CHALLENGE_INVALID" : "LET IN");
    return;
  }
  const tokens: Readonly<Record<string, string | undefined>> = {
    nobody: undefined,
    stranger: "guessed",
    device: device.token,
    viewer: token("viewer"),
    operator: token("operator"),
    publisher: token("publisher"),
    breaker: token("breaker"),
  };
  for (const [name, bearer] of Object.entries(tokens)) {
    const isOperator = !["nobody", "stranger", "device"].includes(name);
    const refusal = isOperator && wanted !== v1.Access.DEVICE ? DENIED : NO_CREDENTIALS;
    expect([name, await outcome(bearer)]).toEqual([name, LET_IN[wanted]?.includes(name) === true ? "LET IN" : refusal]);
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
  for (const name of [
    "operator.token",
    "publisher.token",
    "breaker.token",
    "viewer.token",
    "session.key",
    "tls/ca.key",
    "tls/server.key",
  ]) {
    expect([name, statSync(join(home.config.state_dir, name)).mode & 0o077]).toEqual([name, 0]);
  }
});
