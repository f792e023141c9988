import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeFolder, writeConfig } from "../testing/coordinator.ts";
import { TestDevice } from "../testing/device.ts";
import { networkAt } from "../testing/network.ts";
import { CoordinatorProcess } from "../testing/process.ts";
import { refusalOf } from "../testing/refusal.ts";
import { listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";

/** Far above the grace that callers have, and what starting and stopping take on a machine that does much else. */
const END_MS = 20_000;
/** Each test starts a process, or two. */
const TEST_MS = 90_000;
const NETWORK = networkAt();

let folder: string;
/** Aborted when the load is to end; also where the test fails. */
let ended: AbortController;
const started: CoordinatorProcess[] = [];
beforeEach(() => {
  folder = makeFolder();
  ended = new AbortController();
});
afterEach(async () => {
  ended.abort();
  await Promise.all(started.splice(0).map((process) => process.end("SIGKILL")));
  rmSync(folder, { recursive: true, force: true });
});

async function serve(more: Readonly<Record<string, unknown>> = {}): Promise<CoordinatorProcess> {
  const process = new CoordinatorProcess(["--config", writeConfig(folder, more, NETWORK)]);
  started.push(process);
  await process.serves(join(folder, "state"));
  return process;
}

function endpoint(name: string): string {
  const endpoints = JSON.parse(readFileSync(join(folder, "state", "endpoints.json"), "utf8")) as Record<string, string>;
  return endpoints[name] ?? "";
}

/** One call over the JSON port, on a connection of its own; answers its name, or why there is none. */
function overJson(url: string, ca: Buffer, bearer: string): Promise<string> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${bearer}` };
  const agent = new Agent({ keepAlive: false });
  return new Promise((resolve) => {
    const call = request(
      `${url}/moult.v1.FleetService/CreateEnrollmentToken`,
      { method: "POST", ca, headers, agent },
      (answer) => {
        let body = "";
        answer.on("data", (chunk: Buffer) => (body += chunk.toString()));
        answer.on("error", (error) => resolve(`failed in the answer: ${error.message}`));
        answer.on("end", () => {
          const { name, code } = JSON.parse(body) as { name?: string; code?: string };
          resolve(name ?? `code ${code}`);
        });
      },
    );
    call.on("error", (error: NodeJS.ErrnoException) => resolve(`error ${error.code}`));
    call.end(JSON.stringify({ pool: "pools/home", uses: 1, ttlS: 3600 }));
  });
}

/** A request whose headers have arrived and whose body has not; `finish` sends it and answers with the status. */
async function halfway(
  url: string,
  method: string,
  more: { readonly ca: Buffer; readonly bearer: string; readonly type: string; readonly body: Buffer },
): Promise<{ readonly finish: () => Promise<string> }> {
  const { ca, bearer, type, body } = more;
  const headers = {
    "content-type": type,
    "content-length": body.length,
    authorization: `Bearer ${bearer}`,
    expect: "100-continue",
  };
  const call = request(url, { method, ca, headers, agent: new Agent({ keepAlive: false }) });
  const answered = new Promise<string>((resolve) => {
    call.on("response", (answer) => resolve(String(answer.resume().statusCode)));
    call.on("error", (error: NodeJS.ErrnoException) => resolve(`error ${error.code}`));
  });
  call.flushHeaders();
  await new Promise((resolve) => call.once("continue", resolve));
  return {
    finish() {
      call.end(body);
      return answered;
    },
  };
}

test(
  "told to stop under load it loses no acknowledged write, fails calls only as to be tried again, and exits 0",
  async () => {
    const first = await serve();
    const { fleet, agent, operator, operatorToken } = first.clients;
    const ca = readFileSync(join(folder, "state", "tls", "ca.pem"));
    const json = endpoint("json");
    const device = new TestDevice(first.clients);
    const { enrollmentToken } = await fleet.createEnrollmentToken(
      { pool: "pools/home", uses: 1, ttlS: 3600 },
      operator,
    );
    await device.enrol(enrollmentToken);
    await device.openSession();
    const attended = listen(agent.attend({ bearer: device.token }));
    const acknowledged: string[] = [];
    const failures = new Set<string>();
    let asks = 0;
    const creating = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        await fleet.createEnrollmentToken({ pool: "pools/home", uses: 1, ttlS: 3600 }, operator).then(
          ({ name }) => acknowledged.push(name),
          (error: unknown) => failures.add(`gRPC ${refusalOf(error).code}`),
        );
      }
    };
    const asking = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        await device.ask().then(
          () => (asks += 1),
          (error: unknown) => failures.add(`gRPC ${refusalOf(error).code}`),
        );
      }
    };
    const posting = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        const name = await overJson(json, ca, operatorToken);
        if (name.startsWith("enrollmentTokens/")) acknowledged.push(name);
        else failures.add(`JSON ${name}`);
      }
    };
    const working = Promise.all([creating(), creating(), creating(), asking(), asking(), posting(), posting()]);
    await until("a good deal of work", () => (acknowledged.length > 100 && asks > 20) || undefined);
    const part = Buffer.alloc(100_000, "part");
    const digest = createHash("sha256").update(part).digest("hex");
    const credentials = { ca, bearer: operatorToken };
    const upload = await halfway(`${endpoint("artifacts")}/v1/parts/${digest}`, "PUT", {
      ...credentials,
      type: "application/octet-stream",
      body: part,
    });
    const posted = await halfway(`${json}/moult.v1.FleetService/CreateEnrollmentToken`, "POST", {
      ...credentials,
      type: "application/json",
      body: Buffer.from(JSON.stringify({ pool: "pools/home", uses: 1, ttlS: 3600 })),
    });
    const toldAtMs = performance.now();
    first.stop();
    await attended.find("the drain notice", ({ message }) => message.case === "drain");
    // What had begun may end, on each port.
    expect(await Promise.all([upload.finish(), posted.finish()])).toEqual(["201", "200"]);
    const { code, stderr } = await first.ended;
    ended.abort();
    await working;
    expect([code, stderr]).toEqual([0, ""]);
    expect(performance.now() - toldAtMs).toBeLessThan(END_MS);
    // Refused is who comes when nobody listens; reset, who the kernel had let in and the process had not yet.
    const nobody = ["JSON error ECONNREFUSED", "JSON error ECONNRESET"];
    const retryable = [...nobody, "gRPC UNAVAILABLE", "JSON code unavailable"];
    expect([...failures].filter((failure) => !retryable.includes(failure))).toEqual([]);

    const second = await serve();
    const kept = new Set<string>();
    for (let pageToken = ""; ;) {
      const page = await second.clients.fleet.listEnrollmentTokens(
        { pageSize: 1000, pageToken },
        second.clients.operator,
      );
      for (const { name } of page.enrollmentTokens) kept.add(name);
      pageToken = page.nextPageToken;
      if (pageToken === "") break;
    }
    expect(acknowledged.filter((name) => !kept.has(name))).toEqual([]);
  },
  TEST_MS,
);

test(
  "told a second time it ends at once, with code 1",
  async () => {
    const process = await serve({ stop_notice_ms: 60_000, metrics: { port: 0 } });
    const url = `${endpoint("metrics")}/readyz`;
    expect((await fetch(url)).status).toBe(200);
    process.stop();
    await until("that it is not ready", async () => ((await fetch(url)).status === 503 ? true : undefined));
    process.stop();
    expect((await process.ended).code).toBe(1);
  },
  TEST_MS,
);
