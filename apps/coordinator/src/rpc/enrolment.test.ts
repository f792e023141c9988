import { create } from "@bufbuild/protobuf";
import { AttendRequestSchema, ReportRequestSchema } from "@moult/contracts/v1";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateKey } from "@moult/trust";
import { CALL_MS } from "../testing/clients.ts";
import { TestCoordinator } from "../testing/coordinator.ts";
import { TestDevice, WORKING } from "../testing/device.ts";
import { refusalOf, refused, refusedWith } from "../testing/refusal.ts";
import { listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";

const SESSION_TTL_MS = 5_000;
let home: TestCoordinator;
beforeAll(async () => {
  home = await TestCoordinator.start({ config: { session_ttl_ms: SESSION_TTL_MS } });
});
afterAll(() => home.stop());

test("a device enrols, and its node carries what the token prescribes over what it says", async () => {
  const { fleet, operator } = home.clients;
  const { enrollmentToken } = await fleet.createEnrollmentToken(
    { pool: "pools/flat", uses: 1, ttlS: 60, labels: { region: "eu" } },
    operator,
  );
  const device = new TestDevice(home.clients);
  const name = await device.enrol(enrollmentToken, { labels: { region: "us", rack: "7" } });
  const { node } = await fleet.getNode({ name }, operator);
  expect(node?.pool).toBe("pools/flat");
  expect(node?.labels).toEqual({ region: "eu", rack: "7" });
});

test("the same key again is the same node and takes no use off the token", async () => {
  const token = await home.token("twice", 2);
  const device = new TestDevice(home.clients);
  const first = await device.enrol(token);
  expect(await device.enrol(token)).toBe(first);
  expect(await device.enrol("another token altogether")).toBe(first);
  const other = new TestDevice(home.clients);
  expect(await other.enrol(token)).not.toBe(first);
  expect(await refusedWith(new TestDevice(home.clients).enrol(token))).toBe("UNAUTHENTICATED TOKEN_USED_UP");
});

test("a token that is unknown, or has ended, admits nobody", async () => {
  expect(await refusedWith(new TestDevice(home.clients).enrol("no such token"))).toBe("UNAUTHENTICATED TOKEN_UNKNOWN");
  const { fleet, operator } = home.clients;
  const request = { pool: "pools/home", uses: 1, ttlS: 60 };
  const { enrollmentToken } = await fleet.createEnrollmentToken(request, operator);
  home.putForward(60_000);
  expect(await refusedWith(new TestDevice(home.clients).enrol(enrollmentToken))).toBe("UNAUTHENTICATED TOKEN_EXPIRED");
});

test("two devices that enrol at once do not share the last use of a token", async () => {
  const token = await home.token("race", 1);
  const enrolments = await Promise.allSettled([1, 2, 3].map(() => new TestDevice(home.clients).enrol(token)));
  expect(enrolments.filter((enrolment) => enrolment.status === "fulfilled")).toHaveLength(1);
});

test("a challenge that is forged, altered or older than a minute is refused", async () => {
  const device = new TestDevice(home.clients);
  const { agent } = home.clients;
  const enrollmentToken = await home.token();
  const enrol = (challenge: Uint8Array): Promise<unknown> =>
    agent.enroll({ proof: device.proofOver(challenge), enrollmentToken }, { timeoutMs: CALL_MS });
  const { challenge } = await agent.getChallenge({}, { timeoutMs: CALL_MS });
  const altered = Buffer.from(challenge);
  altered.writeUInt8(altered.readUInt8(16) ^ 1, 16);
  expect(await refusedWith(enrol(altered))).toBe("UNAUTHENTICATED CHALLENGE_INVALID");
  expect(await refusedWith(enrol(Buffer.alloc(challenge.length)))).toBe("UNAUTHENTICATED CHALLENGE_INVALID");
  expect(await refusedWith(enrol(new Uint8Array()))).toBe("UNAUTHENTICATED CHALLENGE_INVALID");
  expect(await refusedWith(agent.enroll({ enrollmentToken }, { timeoutMs: CALL_MS }))).toBe(
    "UNAUTHENTICATED CHALLENGE_INVALID",
  );
  home.putForward(61_000);
  expect(await refusedWith(enrol(challenge))).toBe("UNAUTHENTICATED CHALLENGE_INVALID");
});

test("a signature by another key, over another challenge or of another length is refused", async () => {
  const device = new TestDevice(home.clients);
  const { agent } = home.clients;
  const enrollmentToken = await home.token();
  const proof = await device.prove();
  const tries = [
    { ...proof, publicKey: generateKey().publicKey },
    { ...proof, signature: (await device.prove()).signature },
    { ...proof, signature: proof.signature.subarray(0, 63) },
    { ...proof, publicKey: new Uint8Array(32) },
  ];
  for (const forged of tries) {
    const call = agent.enroll({ proof: forged, enrollmentToken }, { timeoutMs: CALL_MS });
    expect(await refusedWith(call)).toBe("UNAUTHENTICATED SIGNATURE_INVALID");
  }
  expect(await refusedWith(agent.openSession({ proof }, { timeoutMs: CALL_MS }))).toBe("NOT_FOUND NODE_UNKNOWN");
});

test("a session lasts as long as it was said to, and then says that it has ended", async () => {
  const device = await home.device();
  expect(await device.openSession()).toBe(SESSION_TTL_MS);
  await device.pulse();
  home.putForward(SESSION_TTL_MS - 1500);
  await device.pulse();
  home.putForward(2500);
  expect(await refusedWith(device.pulse())).toBe("UNAUTHENTICATED SESSION_EXPIRED");
  await device.openSession();
  await device.pulse();
});

test("a session shorter than a second is one all the same", async () => {
  const brief = await TestCoordinator.start({ config: { session_ttl_ms: 300 } });
  try {
    const device = await brief.device();
    await device.pulse();
    brief.putForward(1300);
    expect(await refusedWith(device.pulse())).toBe("UNAUTHENTICATED SESSION_EXPIRED");
  } finally {
    await brief.stop();
  }
});

test("a token that is no session's, or none at all, is refused in words that say what to do", async () => {
  const device = await home.device();
  device.token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJuMSIsImV4cCI6OTk5OTk5OTk5OX0.";
  const refusal = await refused(device.pulse());
  expect(`${refusal.code} ${refusal.reason}`).toBe("UNAUTHENTICATED CREDENTIALS_MISSING");
  expect(refusal.message).toContain("open a session");
  device.token = "";
  expect(await refusedWith(device.pulse())).toBe("UNAUTHENTICATED CREDENTIALS_MISSING");
});

test("tokens are listed without what makes them one, and revoked by their id", async () => {
  const { fleet, operator } = home.clients;
  const request = { pool: "pools/batch", uses: 3, ttlS: 3600, labels: { batch: "7" } };
  const { enrollmentToken, name } = await fleet.createEnrollmentToken(request, operator);
  await new TestDevice(home.clients).enrol(enrollmentToken);
  const { enrollmentTokens } = await fleet.listEnrollmentTokens({ pageSize: 1000 }, operator);
  const listed = enrollmentTokens.find((token) => token.name === name);
  expect(listed).toMatchObject({ pool: "pools/batch", usesLeft: 2, labels: { batch: "7" } });
  expect(JSON.stringify(listed, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value))).not.toContain(
    enrollmentToken,
  );
  const revoked = await fleet.revokeEnrollmentToken({ name }, operator);
  expect(revoked.enrollmentToken?.usesLeft).toBe(2);
  expect(await fleet.revokeEnrollmentToken({ name }, operator)).toEqual(revoked);
  const refusal = "UNAUTHENTICATED TOKEN_EXPIRED";
  expect(await refusedWith(new TestDevice(home.clients).enrol(enrollmentToken))).toBe(refusal);
  await home.down();
  await home.up();
  expect(await refusedWith(new TestDevice(home.clients).enrol(enrollmentToken))).toBe(refusal);
  const unknown = { name: "enrollmentTokens/0000000000000000" };
  expect(await refusedWith(home.clients.fleet.revokeEnrollmentToken(unknown, home.clients.operator))).toBe(
    "NOT_FOUND TOKEN_UNKNOWN",
  );
});

test("one key on two devices is quarantined over a restart, until an operator readmits it", async () => {
  const device = await home.device("cloned");
  const copy = new TestDevice(home.clients, device.key);
  const turn = async (one: TestDevice): Promise<void> => {
    await one.openSession();
    await one.pulse();
    home.putForward(61_000);
  };
  for (let turns = 0; turns < 4; turns += 1) for (const one of [device, copy]) await turn(one);
  const seen = async (): Promise<string> => {
    const { fleet, operator } = home.clients;
    return (await fleet.getNode({ name: device.node }, operator)).node?.quarantine?.message ?? "";
  };
  expect(await seen()).toContain("two devices");
  await home.down();
  await home.up();
  expect(await seen()).toContain("two devices");
  const { fleet, operator } = home.clients;
  await fleet.readmitNode({ name: device.node, reason: "the copy was wiped" }, operator);
  expect(await seen()).toBe("");
  expect(await refusedWith(fleet.readmitNode({ name: device.node }, operator))).toBe("INVALID_ARGUMENT FIELD_INVALID");
});

test("a stream does not outlive the session that it was opened with", async () => {
  const brief = await TestCoordinator.start({ config: { session_ttl_ms: 500 } });
  try {
    const device = await brief.device();
    const stream = brief.clients.agent.attend({ bearer: device.token });
    const pulse = device.reportRequest({ case: "pulse", value: { situation: WORKING } });
    const report = create(ReportRequestSchema, pulse);
    stream.write(create(AttendRequestSchema, { message: { case: "report", value: report } }));
    const heard = listen(stream);
    const error = await until("the end of the stream", heard.error);
    expect(refusalOf(error)).toMatchObject({ code: "UNAUTHENTICATED", reason: "SESSION_EXPIRED" });
  } finally {
    await brief.stop();
  }
});
