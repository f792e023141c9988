/** Staging in tests: a device on a real disk, and sources over real HTTPS that can be made to misbehave. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Server, createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { SlotStore } from "@moult/slots";
import type { AllowedBuild } from "@moult/trust/tuf";
import { onTestFinished } from "vitest";
import { monotonicClock, systemChance } from "../../adapters/clock.ts";
import { createHttpsFetcher } from "../../adapters/https-fetcher.ts";
import { trustPeers } from "../../adapters/tls/peer-trust.ts";
import { nodeDisk } from "../../adapters/node-disk.ts";
import type { PullSettings } from "../../config/settings.ts";
import type { StageError } from "../../ports.ts";
import { makeCertificate } from "../../testing/certificate.ts";
import { makeFolder } from "../../testing/folders.ts";
import { type TestBuild, makeTestBuild, offer } from "../../testing/test-build.ts";
import { silentLog } from "../../testing/silent-log.ts";
import type { Judgement } from "../../trust/gate.ts";
import type { RunningBuild, StagedBuild } from "../../update/state.ts";
import type { Fetcher } from "../source.ts";
import { stageBuild } from "../stage.ts";

const certificate = makeCertificate();
/** Larger than a socket's buffers, so that a cut falls in the middle. */
export const LARGE: Uint8Array = new Uint8Array(600_000).map((_, index) => index % 251);
/** A build with a large part. */
export const BUILD: TestBuild = makeTestBuild({ files: { large: LARGE } });

const RUNNING: RunningBuild = {
  slot: "factory",
  digest: "f".repeat(64),
  version: "1.0.0",
  releaseCounter: 1,
  workIdentity: "none",
  healthTimeoutMs: 1,
  soakMs: 0,
};

const LIMITS: PullSettings = {
  stallTimeoutMs: 400,
  rateMinBytesPerS: 0,
  rateMaxBytesPerS: 0,
  timeoutMs: 20_000,
  rounds: 2,
  diskReserveBytes: 0,
};

/** Answers a request for a part. */
export type Serve = (request: IncomingMessage, response: ServerResponse, body: Uint8Array) => void;

/** A source that has the build; `serve` answers for its parts, what `serve` leaves out is answered as it should be. */
export class Source {
  readonly requests: string[] = [];
  /** Deltas and packed parts, by what stands behind `/v1/`. */
  readonly deltas: Map<string, Uint8Array> = new Map();
  /** How those are answered. */
  serveDelta: Serve = serveWell;
  /** Bytes of bodies that were handed to the system. */
  servedBytes = 0;
  readonly #server: Server;
  build: TestBuild = BUILD;

  constructor(serve: Serve = serveWell) {
    this.#server = createServer(certificate, (request, response) => {
      const [, kind, digest = ""] =
        /^\/v1\/(manifests|parts|packed|deltas)\/([0-9a-f-]+)$/.exec(request.url ?? "") ?? [];
      const body =
        kind === "manifests"
          ? this.build.envelope
          : kind === "parts"
            ? this.build.parts.get(digest)
            : this.deltas.get(`${kind}/${digest}`);
      this.requests.push(`${kind} ${request.headers.range ?? "whole"}`);
      response.on("close", () => (this.servedBytes += response.socket?.bytesWritten ?? 0));
      if (body === undefined) response.writeHead(404).end();
      else if (kind === "packed" || kind === "deltas") this.serveDelta(request, response, body);
      else if (kind === "manifests") serveWell(request, response, body);
      else serve(request, response, body);
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** What was asked for beside the manifest, without what is not here. */
  get servedKinds(): readonly string[] {
    return this.requests.map((request) => request.split(" ")[0] ?? "").filter((kind) => kind !== "manifests");
  }

  /** How often the large part was asked for. */
  get partRequests(): readonly string[] {
    return this.requests.filter((request) => request.startsWith("parts"));
  }
}

/** As it should be, Range included. */
export const serveWell: Serve = (request, response, body) => {
  const from = Number(/^bytes=([0-9]+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from > 0) {
    response.writeHead(206, { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` });
  } else {
    response.writeHead(200, { "content-length": body.length });
  }
  response.end(body.subarray(from));
};

/** Only the large part is served badly. */
export function badly(serve: Serve): Serve {
  return (request, response, body) => (body === LARGE ? serve : serveWell)(request, response, body);
}

/** Cuts the connection of the large part after so many bytes, this many times. */
export function cutAfter(bytes: number, times: number): Serve {
  return badly(cutAnyAfter(bytes, times));
}

/** The same, whatever is asked for. */
export function cutAnyAfter(bytes: number, times: number): Serve {
  let left = times;
  return (request, response, body) => {
    if (left === 0) return serveWell(request, response, body);
    left -= 1;
    const from = Number(/^bytes=([0-9]+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` });
    response.write(body.subarray(from, from + bytes), () => response.socket?.destroySoon());
  };
}

/** A device. */
export interface Device {
  readonly store: SlotStore;
  readonly stage: (
    sources: readonly string[],
    more?: Partial<PullSettings>,
    build?: TestBuild,
    /** What is asked for, where it is another one. */
    wanted?: TestBuild,
  ) => Promise<StagedBuild>;
  readonly leftovers: () => Promise<readonly string[]>;
  /** Bytes of bodies that were taken in so far. */
  readonly fetchedBytes: () => number;
}

/** A device that runs version 1.0.0 from its factory slot. `freeBytes` stands in for what the disk says. */
export async function makeDevice(root: string = makeFolder(), freeBytes?: number): Promise<Device> {
  const store = new SlotStore(nodeDisk, root, systemChance.freshId);
  await store.prepare();
  let fetchedBytes = 0;
  const trust = trustPeers(certificate.cert, () => Date.now());
  const fetcher = counting(createHttpsFetcher(trust), (bytes) => (fetchedBytes += bytes));
  return {
    store,
    fetchedBytes: () => fetchedBytes,
    stage: (sources, more = {}, build = BUILD, wanted = build) => {
      const limits = { ...LIMITS, ...more };
      return stageBuild(offer(wanted, sources), {
        store,
        freeBytes: async () => freeBytes ?? nodeDisk.freeBytes(root),
        device: { network: "test", platform: { os: process.platform, arch: process.arch } },
        running: RUNNING,
        judge: approving(build),
        tools: {
          fetcher,
          clock: monotonicClock,
          chance: systemChance,
          log: silentLog,
          limits,
          signal: AbortSignal.timeout(limits.timeoutMs),
        },
      });
    },
    leftovers: () => nodeDisk.list(store.layout.incoming),
  };
}

/** A list that names the build, whatever it is. */
function approving(build: TestBuild): (digest: string) => Judgement {
  const allowed: AllowedBuild = {
    digest: build.digest,
    lengthBytes: build.bytes.length,
    platform: { os: process.platform, arch: process.arch },
    version: build.manifest.version,
    releaseCounter: 7,
    fromVersions: [],
    flags: new Map(),
  };
  return (digest) =>
    digest === build.digest
      ? { allowed }
      : { refused: { reason: "NOT_APPROVED", message: "The list names another build." } };
}

function counting(fetcher: Fetcher, count: (bytes: number) => void): Fetcher {
  return {
    async get(url, offsetBytes, signal) {
      const answer = await fetcher.get(url, offsetBytes, signal);
      const pieces = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of answer.pieces) {
          count(piece.length);
          yield piece;
        }
      };
      return { ...answer, pieces: pieces() };
    },
  };
}

/** How a staging ended. */
export async function codeOf(staging: Promise<unknown>): Promise<string> {
  return staging.then(
    () => "staged",
    (error: unknown) => (error as StageError).code,
  );
}
