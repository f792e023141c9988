/** The router as a process, between a membership service and real workloads. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { bindService } from "@moult/contracts";
import { MembershipService, NodeState, type WatchResponse, WatchResponseSchema } from "@moult/contracts/v1";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ownTls } from "../../../apps/coordinator/src/tls/certificate.ts";
import { House } from "../harness/house.ts";
import { reservePorts } from "../harness/ports.ts";
import type { Supervised } from "../harness/supervised.ts";
import { until } from "../harness/until.ts";
import type { RouterMessage } from "./messages.ts";

/** A membership service that says what it is told to say. */
class Announcer {
  readonly server: Server = new Server();
  readonly #waiting = new Set<(news: WatchResponse | undefined) => void>();
  #members = new Map<string, { state: NodeState; endpoint: string }>();
  watchers = 0;

  constructor() {
    bindService(
      this.server,
      MembershipService,
      { watch: (_request, call) => this.#watch(call.signal) },
      (_method, metadata) => expect(metadata.get("authorization")).toBe("Bearer secret"),
      (error) => void process.stderr.write(String(error)),
    );
  }

  say(node: string, state: NodeState, endpoint: string): void {
    this.#members.set(node, { state, endpoint });
    for (const tell of this.#waiting) tell(this.#news([node], false));
  }

  /** Ends every stream. */
  hangUp(): void {
    for (const tell of this.#waiting) tell(undefined);
  }

  #news(nodes: Iterable<string>, snapshot: boolean): WatchResponse {
    const members = [...nodes].map((node) => ({ node: `nodes/${node}`, capacityRps: 20, ...this.#members.get(node) }));
    return create(WatchResponseSchema, { snapshot, members });
  }

  async *#watch(signal: AbortSignal): AsyncGenerator<WatchResponse> {
    const queue = [this.#news(this.#members.keys(), true)];
    const stream = { open: true };
    let wake = (): void => undefined;
    const tell = (news: WatchResponse | undefined): void => {
      if (news === undefined) stream.open = false;
      else queue.push(news);
      wake();
    };
    this.#waiting.add(tell);
    this.watchers += 1;
    signal.addEventListener("abort", () => tell(undefined));
    while (stream.open) {
      const news = queue.shift();
      if (news === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else yield news;
    }
    this.#waiting.delete(tell);
    this.watchers -= 1;
  }
}

let house: House;
let announcer: Announcer;
let routerPort: number;
let workloads: { running: Supervised; endpoint: string }[];
let last: RouterMessage | undefined;

beforeEach(async () => {
  house = await House.open();
  announcer = new Announcer();
  const tls = await ownTls(house.path("tls"), ["127.0.0.1"], Date.now());
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) },
  ]);
  const grpcPort = await new Promise<number>((resolve, reject) => {
    announcer.server.bindAsync("127.0.0.1:0", credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
  const [port = 0, ...ports] = await reservePorts(3);
  routerPort = port;
  workloads = await Promise.all(ports.map((free, i) => startWorkload(`w${i}`, free)));
  await writeFile(house.path("token"), "secret\n");
  const coordinator = {
    address: `127.0.0.1:${grpcPort}`,
    caFile: house.path("tls", "ca.pem"),
    tokenFile: house.path("token"),
  };
  await writeFile(house.path("router.json"), JSON.stringify({ port, coordinator }));
  house.run({
    name: "router",
    args: [join(import.meta.dirname, "main.ts"), "--settings", house.path("router.json")],
    onMessage: (message) => (last = message as RouterMessage),
  });
  await until("the router watches", 5000, () => announcer.watchers === 1);
});

afterEach(async () => {
  announcer.server.forceShutdown();
  await house.close(undefined);
});

/** A workload under supervision; started by a small script that gives it its environment. */
async function startWorkload(box: string, port: number): Promise<{ running: Supervised; endpoint: string }> {
  const folder = house.path(box);
  await mkdir(folder);
  const env = {
    DEMO_BOX: box,
    DEMO_PORT: String(port),
    DEMO_SLOTS: "2",
    DEMO_WAITING_MAX: "8",
    DEMO_SERVICE_MS: "20",
    DEMO_CAPACITY_RPS: "20",
    MOULT_WORK_SOCKET: join(folder, "work.sock"),
  };
  const script = join(folder, "start.mjs");
  const server = join(import.meta.dirname, "..", "workload", "server.ts");
  await writeFile(
    script,
    `Object.assign(process.env, ${JSON.stringify(env)}); await import(${JSON.stringify(server)});`,
  );
  const running = house.run({ name: box, args: [script] });
  const endpoint = `127.0.0.1:${port}`;
  await until(`${box} serves`, 5000, () => fetch(`http://${endpoint}/healthz`).then(isOk, () => false));
  return { running, endpoint };
}

function isOk(response: Response): boolean {
  return response.ok;
}

async function ask(): Promise<{ status: number; node: string | null }> {
  const response = await fetch(`http://127.0.0.1:${routerPort}/work`);
  await response.text();
  return { status: response.status, node: response.headers.get("x-moult-node") };
}

async function askMany(count: number): Promise<{ status: number; node: string | null }[]> {
  return Promise.all(Array.from({ length: count }, ask));
}

function stateOf(node: string): string | undefined {
  return last?.nodes.find((routed) => routed.node === node)?.state;
}

/** Both workloads are members that take work. */
async function announceBoth(): Promise<[string, string]> {
  const [a = "", b = ""] = workloads.map(({ endpoint }) => endpoint);
  announcer.say("a", NodeState.SERVING, a);
  announcer.say("b", NodeState.SERVING, b);
  await until("the router knows both", 3000, () => stateOf("a") === "SERVING" && stateOf("b") === "SERVING");
  return [a, b];
}

describe("the router", () => {
  it("answers 503 at once where nobody takes work", async () => {
    expect(await ask()).toEqual({ status: 503, node: null });
  });

  it("spreads requests, and sends none to a node from when it is said to leave until it is back", async () => {
    const [, b] = await announceBoth();
    const spread = await askMany(8);
    expect(spread.every(({ status }) => status === 200)).toBe(true);
    expect(spread.filter(({ node }) => node === "a")).toHaveLength(4);
    announcer.say("b", NodeState.LEAVING, b);
    await until("the router has heard", 3000, () => stateOf("b") === "LEAVING");
    expect((await askMany(6)).every(({ status, node }) => status === 200 && node === "a")).toBe(true);
    announcer.say("b", NodeState.RETURNED, b);
    await until("the router has heard", 3000, () => stateOf("b") === "RETURNED");
    expect((await askMany(8)).some(({ node }) => node === "b")).toBe(true);
  });

  it("keeps the members when the stream breaks, and watches again", async () => {
    await announceBoth();
    announcer.hangUp();
    expect((await askMany(4)).every(({ status }) => status === 200)).toBe(true);
    await until("the router watches again", 3000, () => announcer.watchers === 1);
    expect((await askMany(4)).every(({ status }) => status === 200)).toBe(true);
  });

  it("never asks twice: what a killed node had is lost, the next requests go elsewhere until it answers again", async () => {
    await announceBoth();
    await askMany(4);
    process.kill(workloads[1]?.running.pid ?? 0, "SIGKILL");
    const after = await askMany(2);
    expect(after.filter(({ status }) => status === 502).every(({ node }) => node === "b")).toBe(true);
    await until("the router leaves it out", 3000, async () => {
      await ask();
      return last?.nodes.find(({ node }) => node === "b")?.ejected === true;
    });
    expect((await askMany(6)).every(({ status, node }) => status === 200 && node === "a")).toBe(true);
    await until("the router takes it back", 5000, () => {
      return last?.nodes.find(({ node }) => node === "b")?.ejected === false;
    });
    expect((await askMany(8)).some(({ node }) => node === "b")).toBe(true);
  });
});
