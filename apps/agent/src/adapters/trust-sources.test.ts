/** Metadata over real sockets: a coordinator, mirrors, and those that lie, drip or never end. */
import type { ServerResponse } from "node:http";
import { type Server, createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { writeBrakeStatement } from "@moult/contracts";
import type { TestNetwork } from "@moult/trust/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import type { PullSettings } from "../config/settings.ts";
import { makeCertificate } from "../testing/certificate.ts";
import { openKeeper } from "../testing/device-trust.ts";
import { FakeCoordinator } from "../testing/fake-coordinator.ts";
import { approve, makeNetwork, makeTestBuild, offer } from "../testing/test-build.ts";
import type { TrustKeeper } from "../trust/keeper.ts";
import type { RunningBuild } from "../update/state.ts";
import { monotonicClock } from "./clock.ts";
import { MirrorMetadataSource } from "./mirror-metadata.ts";
import { trustPeers } from "./tls/peer-trust.ts";
import { createTrustSources } from "./trust-sources.ts";

const certificate = makeCertificate();
const build = makeTestBuild();
const running: RunningBuild = {
  slot: "factory",
  digest: "a".repeat(64),
  version: "1.0.0",
  releaseCounter: 1,
  workIdentity: "none",
  healthTimeoutMs: 1,
  soakMs: 0,
};
const LIMITS: PullSettings = {
  stallTimeoutMs: 300,
  rateMinBytesPerS: 1_000,
  rateMaxBytesPerS: 0,
  timeoutMs: 20_000,
  rounds: 1,
  diskReserveBytes: 0,
};

/** A mirror's answer to a path below `/v1/metadata/`. */
type Serve = (name: string, response: ServerResponse) => void;

async function serveMirror(serve: Serve): Promise<string> {
  const server: Server = createServer(certificate, (request, response) => {
    serve(/^\/v1\/metadata\/(.+)$/.exec(request.url ?? "")?.[1] ?? "", response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A plain folder of files. */
function honest({ files }: TestNetwork, brakes: readonly Uint8Array[] = []): Serve {
  return (name, response) => {
    const list = JSON.stringify(brakes.map((brake) => Buffer.from(brake).toString("base64")));
    const body = name === "brakes.json" ? Buffer.from(list) : files.get(name);
    response.writeHead(body === undefined ? 404 : 200).end(body);
  };
}

interface Wishes {
  readonly coordinators?: readonly string[];
  readonly mirrors?: readonly string[];
  /** Keys that servers must have; none where not given. */
  readonly pins?: readonly string[];
}

function open(
  network: TestNetwork,
  { coordinators = ["127.0.0.1:1"], mirrors = [], pins = [] }: Wishes,
): Promise<TrustKeeper> {
  const trust = trustPeers(
    certificate.cert,
    () => Date.now(),
    () => pins,
  );
  return openKeeper({
    flashedRoot: network.flashedRoot,
    sources: createTrustSources({
      settings: { coordinators, rpcTimeoutMs: 1_000 },
      mirrors,
      trust,
      present: () => coordinators[0] ?? "",
      clock: monotonicClock,
      limits: LIMITS,
    }),
  });
}

async function offered(keeper: TrustKeeper, artifactSources: readonly string[] = []): Promise<string> {
  const heard = { brakes: [], timestampVersion: 0, leaving: false, wrote: false };
  const refusal = await keeper.weigh({ ...heard, target: offer(build, artifactSources) }, { running, denied: [] });
  return refusal?.reason ?? "allowed";
}

function approving(): TestNetwork {
  const network = makeNetwork();
  network.rotate({});
  approve(network, [build]);
  return network;
}

function brakeOf(network: TestNetwork): Uint8Array {
  const nowMs = Date.now();
  const said = { network: "test", issuedMs: nowMs, expiresMs: nowMs + 3_600_000, body: { reason: "smoke" } };
  return network.brake(writeBrakeStatement(said));
}

describe("metadata comes", () => {
  it("from a coordinator, without a session; its brakes with it", async () => {
    const network = approving();
    const coordinator = await new FakeCoordinator(certificate).start();
    coordinator.metadata = network.files;
    const keeper = await open(network, { coordinators: [coordinator.address] });
    expect(await offered(keeper)).toBe("allowed");
    expect(keeper.view.root?.version).toBe(2);
    expect(coordinator.calls.every((call) => call.startsWith("getMetadata"))).toBe(true);
    coordinator.brakes = [brakeOf(network)];
    expect(await offered(await open(network, { coordinators: [coordinator.address] }))).toBe("BRAKED");
  });

  it("also from servers whose keys are pinned no more: how else to fetch the root that names their new ones", async () => {
    const network = approving();
    const pins = ["1".repeat(64)];
    const coordinator = await new FakeCoordinator(certificate).start();
    coordinator.metadata = network.files;
    expect(await offered(await open(network, { coordinators: [coordinator.address], pins }))).toBe("allowed");
    expect(await offered(await open(network, { mirrors: [await serveMirror(honest(network))], pins }))).toBe("allowed");
  });

  it("from the next coordinator, then from mirrors, then from where the builds are", async () => {
    const network = approving();
    const [empty, whole] = [new FakeCoordinator(certificate), new FakeCoordinator(certificate)];
    await Promise.all([empty.start(), whole.start()]);
    whole.metadata = network.files;
    expect(await offered(await open(network, { coordinators: [empty.address, whole.address] }))).toBe("allowed");
    const mirror = await serveMirror(honest(network));
    expect(await offered(await open(network, { coordinators: [empty.address], mirrors: [mirror] }))).toBe("allowed");
    expect(await offered(await open(network, {}), ["no url", `${mirror}/of/builds`])).toBe("allowed");
    expect(await offered(await open(network, {}), [])).toBe("METADATA");
  });

  it("with its brakes from a mirror; a list of them that is none is none", async () => {
    const network = approving();
    const braking = await serveMirror(honest(network, [brakeOf(network)]));
    expect(await offered(await open(network, { mirrors: [braking] }))).toBe("BRAKED");
    const odd = await serveMirror((name, response) =>
      name === "brakes.json" ? response.end("[1, {") : honest(network)(name, response),
    );
    expect(await offered(await open(network, { mirrors: [odd] }))).toBe("allowed");
  });
});

describe("a mirror is left for the next one", () => {
  it.each([
    ["that stands still", (_: string, response: ServerResponse) => void response.writeHead(200).write(" ")],
    ["that never answers", () => undefined],
    [
      "that never ends",
      (_: string, response: ServerResponse) => {
        const pour = (): boolean => response.write(Buffer.alloc(65_536, 32));
        response.on("drain", pour);
        response.writeHead(200);
        while (pour());
      },
    ],
    ["that gives nonsense", (_: string, response: ServerResponse) => void response.end("{}")],
    ["that fails", (_: string, response: ServerResponse) => void response.writeHead(500).end()],
    ["that hangs up", (_: string, response: ServerResponse) => void response.destroy()],
  ] satisfies [string, Serve][])("%s", async (_, serve) => {
    const network = approving();
    const mirrors = [await serveMirror(serve), await serveMirror(honest(network))];
    expect(await offered(await open(network, { mirrors }))).toBe("allowed");
    expect(await offered(await open(network, { mirrors: mirrors.slice(0, 1) }))).toBe("METADATA");
  });
});

describe("a mirror that drips", () => {
  it("is left after half a minute, however faithfully it goes on", async () => {
    let nowMs = 0;
    let pieces = 0;
    async function* drip(): AsyncGenerator<Uint8Array> {
      for (; pieces < 1_000; pieces += 1) {
        nowMs += 250;
        yield new Uint8Array(1);
      }
    }
    const source = new MirrorMetadataSource({
      url: "https://mirror.example",
      fetcher: { get: async () => ({ status: 200, offsetBytes: 0, totalBytes: undefined, pieces: drip() }) },
      clock: {
        nowMs: () => nowMs,
        wait: (_, signal) => new Promise((resolve) => signal?.addEventListener("abort", () => resolve())),
      },
      limits: LIMITS,
      signal: new AbortController().signal,
    });
    await expect(source.fetch({ role: "timestamp" }, 16_384)).rejects.toMatchObject({ code: "SLOW" });
    expect(pieces).toBeLessThan(150);
  });
});
