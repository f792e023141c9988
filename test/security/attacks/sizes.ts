/** Too much of everything: messages, bombs, streams and connections. What is bounded is refused, and others are served. */
import { randomBytes } from "node:crypto";
import { request } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { ReportRequestSchema } from "@moult/contracts/v1";
import { encodeHead } from "@moult/delta";
import { digestOf } from "@moult/trust";
import { type Attack, must } from "../harness/attack.ts";
import { Fort } from "../harness/fort.ts";
import { BEYOND } from "../harness/rows.ts";
import { type RawSocket, dialPlain, dialTls, rawCall } from "../harness/wire.ts";

const MIB = 1_048_576;
/** Far more than a bounded message costs, and far less than a bomb that goes off. */
const GROWTH_MAX_BYTES = 160 * MIB;
const BOMB_BYTES = 512 * MIB;

const ENROL = "/moult.v1.AgentService/Enroll";

/** Throws where the coordinator's memory peaked far above what it was. */
function unmoved(fort: Fort, beforeBytes: number, what: string): void {
  const grown = fort.footprint().peakBytes - beforeBytes;
  must(grown < GROWTH_MAX_BYTES, `${what} made the coordinator grow by ${Math.round(grown / MIB)} MiB`);
}

const oversized: Attack = {
  row: "oversized message, compression bomb",
  name: "a message beyond the limit is refused, on gRPC and as JSON, before it is read",
  async run(scene) {
    const fort = await Fort.open(scene);
    const before = fort.footprint().peakBytes;
    const said = await rawCall(fort, { path: ENROL, bytes: Buffer.alloc(5 * MIB) });
    must(typeof said === "string" && said.startsWith("RESOURCE_EXHAUSTED"), `5 MiB were answered ${String(said)}`);
    const status = await postJson(fort, Buffer.from(JSON.stringify({ pageToken: "x".repeat(5 * MIB) })), {});
    must(status === 429 || status === 413, `5 MiB of JSON were answered ${status}`);
    unmoved(fort, before, "an oversized message");
    await fort.stillServes();
  },
  mutants: [
    {
      defence: "a message has at most 4 MiB",
      of: "coordinator",
      patches: [
        {
          file: "rpc/server.ts",
          from: '"grpc.max_receive_message_length": MESSAGE_BYTES_MAX,',
          to: '"grpc.max_receive_message_length": -1,',
        },
      ],
      caught: /5 MiB were answered/,
    },
    {
      defence: "a message of JSON has at most 4 MiB",
      of: "coordinator",
      patches: [
        { file: "rpc/json-server.ts", from: "readMaxBytes: MESSAGE_BYTES_MAX,", to: "readMaxBytes: 0x7fffffff," },
      ],
      caught: /5 MiB of JSON were answered/,
    },
  ],
};

const bomb: Attack = {
  row: "oversized message, compression bomb",
  name: "a small message that unpacks to half a gigabyte is given up on the way, on gRPC and as JSON",
  async run(scene) {
    const fort = await Fort.open(scene);
    const zeros = Buffer.alloc(BOMB_BYTES);
    const before = fort.footprint().peakBytes;
    const said = await rawCall(fort, { path: ENROL, bytes: zeros, gzip: true });
    must(typeof said === "string" && said.startsWith("RESOURCE_EXHAUSTED"), `a bomb was answered ${String(said)}`);
    const status = await postJson(fort, gzipSync(zeros, { level: 1 }), { "content-encoding": "gzip" });
    must(status >= 400 && status < 500, `a bomb of JSON was answered ${status}`);
    unmoved(fort, before, "a bomb");
    await fort.stillServes();
  },
  mutants: [
    {
      defence: "a message is unpacked no further than the limit",
      of: "coordinator",
      patches: [
        {
          file: "rpc/server.ts",
          from: '"grpc.max_receive_message_length": MESSAGE_BYTES_MAX,',
          to: '"grpc.max_receive_message_length": -1,',
        },
      ],
      caught: /a bomb was answered|a bomb made the coordinator grow/,
    },
  ],
};

/** The status of a call over JSON. */
function postJson(fort: Fort, body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = `${fort.endpoints.json}/moult.v1.FleetService/ListNodes`;
    const authorization = `Bearer ${fort.clients.viewerToken}`;
    const all = {
      "content-type": "application/json",
      "content-length": String(body.length),
      authorization,
      ...headers,
    };
    const call = request(url, { method: "POST", ca: fort.ca, headers: all }, (answer) => {
      answer.resume();
      answer.on("error", reject);
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    call.on("error", reject);
    call.end(body);
  });
}

const uploads: Attack = {
  row: "oversized message, compression bomb",
  name: "an upload that is too long, of unknown length or other than its name leaves nothing, nor does a packed bomb",
  async run(scene) {
    const fort = await Fort.open(scene, { config: { artifacts: { part_bytes_max: MIB } } });
    const put = async (path: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<number> => {
      const authorization = `Bearer ${fort.clients.operatorToken}`;
      return (await fort.clients.http("PUT", path, { body, headers: { authorization, ...headers } })).status;
    };
    const has = async (path: string): Promise<boolean> => (await fort.clients.http("HEAD", path)).status === 200;
    const long = randomBytes(MIB + 1);
    must((await put(`/v1/parts/${digestOf(long)}`, long)) === 413, "a part beyond the limit was taken");
    must(!(await has(`/v1/parts/${digestOf(long)}`)), "a part beyond the limit is served");
    const part = randomBytes(4_096);
    must((await put(`/v1/parts/${digestOf(long)}`, part)) === 422, "a part was taken under another's name");
    const zipped = gzipSync(Buffer.alloc(64 * MIB));
    const named = `/v1/parts/${digestOf(Buffer.alloc(64 * MIB))}`;
    must((await put(named, zipped, { "content-encoding": "gzip" })) === 422, "an upload was unpacked");
    must((await put(`/v1/parts/${digestOf(part)}`, part)) === 201, "an honest part was not taken");
    const before = fort.footprint().peakBytes;
    // Says of itself that it makes the part, and holds a frame that makes a hundred times as much.
    const frame = zstdCompressSync(Buffer.alloc(256 * MIB)).subarray(0, 3_000);
    const chunks = [{ oldOffset: 0, oldLength: 0, packedLength: frame.length }];
    const head = encodeHead({ old: undefined, digest: digestOf(part), lengthBytes: part.length, chunks });
    await put(`/v1/packed/${digestOf(part)}`, Buffer.concat([head, frame]));
    const other = digestOf(Buffer.from("other"));
    const wrong = encodeHead({ old: undefined, digest: other, lengthBytes: part.length, chunks });
    const status = await put(`/v1/packed/${digestOf(part)}`, Buffer.concat([wrong, frame, Buffer.alloc(1)]));
    must(status === 422 || status === 200, `a packed form of another part was answered ${status}`);
    unmoved(fort, before, "a packed bomb");
    await fort.stillServes();
  },
  mutants: [
    {
      defence: "a part has at most so many bytes",
      of: "coordinator",
      patches: [{ file: "artifacts/endpoint.ts", from: "if (length > parts.partBytesMax) {", to: "if (length < 0) {" }],
      caught: /a part beyond the limit was taken/,
    },
    {
      defence: "a part's name is the digest of what came",
      of: "coordinator",
      patches: [
        {
          file: "artifacts/part-files.ts",
          from: 'hash.digest("hex") === digest ? undefined : "DIGEST_WRONG"',
          to: 'hash.digest("hex") === "" ? "DIGEST_WRONG" : undefined',
        },
      ],
      caught: /under another's name/,
    },
  ],
};

const IDLE_MS = 300;
const PER_ADDRESS = 4;
const CONNECTIONS = 12;

const flood: Attack = {
  row: BEYOND,
  name: "a flood of connections from one address leaves room for the others, and ends when it stands still",
  async run(scene) {
    const fort = await Fort.open(scene, {
      config: {
        artifacts: {
          idle_timeout_ms: IDLE_MS,
          connections_max: CONNECTIONS,
          connections_per_address_max: PER_ADDRESS,
        },
      },
    });
    const { artifacts } = fort.endpoints;
    const flooded = await Promise.all(Array.from({ length: 40 }, () => dialTls(fort, artifacts)));
    const held = flooded.filter(({ isClosed }) => !isClosed);
    must(held.length <= PER_ADDRESS, `one address holds ${held.length} connections`);
    const another = await dialTls(fort, artifacts, { localAddress: "127.0.0.9" });
    must(!another.isClosed, "nobody else gets in");
    // Each byte comes just before patience ends.
    for (const one of held) one.socket.write("GET /v1/audit/checkpoint HTTP/1.1\r\nHost: ");
    const drips = held.map((one) => setInterval(() => one.socket.write("x"), IDLE_MS / 6));
    try {
      await Promise.all(held.map((one) => one.ends("the end of a request that drips")));
    } finally {
      for (const drip of drips) clearInterval(drip);
    }
  },
  mutants: [
    {
      defence: "one address has so many connections and no more",
      of: "coordinator",
      patches: [
        {
          file: "artifacts/connections.ts",
          from: "if (count > bounds.connectionsPerAddressMax) {",
          to: "if (count < 0) {",
        },
      ],
      caught: /one address holds/,
    },
    {
      defence: "a connection that hardly moves is ended",
      of: "coordinator",
      patches: [
        {
          file: "artifacts/connections.ts",
          from: "if (now - movedBytes < WINDOW_BYTES_MIN) socket.destroy();",
          to: "",
        },
      ],
      caught: /the end of a request that drips/,
    },
  ],
};

const SILENT = 400;
const CALL_MAX_MS = 5_000;

const silent: Attack = {
  row: BEYOND,
  name: "hundreds of connections that say nothing, or begin to and stop, keep no device waiting",
  async run(scene) {
    const fort = await Fort.open(scene);
    const { grpc, json } = fort.endpoints;
    const device = await fort.device();
    const silences: RawSocket[] = [];
    scene.atEnd(() => silences.forEach(({ socket }) => void socket.destroy()));
    for (let n = 0; n < SILENT; n += 1) silences.push(await dialPlain(n % 2 === 0 ? grpc : json));
    for (const { socket } of silences.slice(0, SILENT / 2)) socket.write(randomBytes(40));
    for (let n = 0; n < 20; n += 1) {
      const begun = await dialTls(fort, grpc);
      // HTTP/2's preface and settings, and the head of a frame whose rest never comes.
      begun.socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\x40\0\x01\x04\0\0\0\x01", "latin1");
      silences.push(begun);
    }
    const beganMs = performance.now();
    await device.ask();
    await device.openSession();
    must(performance.now() - beganMs < CALL_MAX_MS, "a device waited because others were silent");
  },
};

const REPORTS = 30_000;

const endless: Attack = {
  row: BEYOND,
  name: "a device that reports without end, and reads nothing, costs the coordinator a bounded memory",
  async run(scene) {
    const fort = await Fort.open(scene);
    const [device, other] = [await fort.device(), await fort.device()];
    const before = fort.footprint().peakBytes;
    const stream = fort.clients.agent.attend({ bearer: device.token }) as unknown as {
      write: (message: object) => boolean;
      once: (event: "drain", then: () => void) => void;
      on: (event: "error" | "data", then: () => void) => void;
      cancel: () => void;
    };
    const end = new AbortController();
    stream.on("error", () => end.abort());
    const labels = "x".repeat(200);
    for (let n = 0; n < REPORTS && !end.signal.aborted; n += 1) {
      const situation = { capacityRps: n % 100, loadRps: 1, endpoint: labels };
      const report = device.reportRequest({ case: "pulse", value: { situation } });
      if (!stream.write({ message: { case: "report", value: report } })) {
        await Promise.race([new Promise<void>((resolve) => stream.once("drain", resolve)), pause(2_000)]);
      }
    }
    const beganMs = performance.now();
    await other.ask();
    must(performance.now() - beganMs < CALL_MAX_MS, "a device waited because another one never stops");
    unmoved(fort, before, "an endless stream");
    stream.cancel();
  },
};

const reencoded: Attack = {
  row: "re-encoded protobuf",
  name: "a message with fields that nobody knows, said twice or in another order, means what its sender said or is refused",
  async run(scene) {
    const fort = await Fort.open(scene);
    const [device, victim] = [await fort.device(), await fort.device()];
    const path = "/moult.v1.AgentService/Report";
    const report = (node: string): Buffer => {
      const made = device.reportRequest({ case: "pulse", value: { situation: { capacityRps: 7 } } });
      return Buffer.from(toBinary(ReportRequestSchema, create(ReportRequestSchema, { ...made, node })));
    };
    const send = (bytes: Uint8Array): Promise<string | Uint8Array> =>
      rawCall(fort, { path, bytes, bearer: device.token });
    // Field 900, that nobody knows, in front and behind; as a number, as bytes and as a group.
    const unknown = [Buffer.from("a03801", "hex"), Buffer.from("a23803616263", "hex"), Buffer.from("a338a438", "hex")];
    for (const field of unknown) {
      const answers = [
        await send(Buffer.concat([field, report(device.node)])),
        await send(Buffer.concat([report(device.node), field])),
      ];
      for (const answer of answers) must(typeof answer !== "string", `unknown fields were answered ${String(answer)}`);
    }
    // The last word counts wherever it stands: nothing that checks the first one and acts on the last.
    const named = Buffer.concat([Buffer.of(0x0a, victim.node.length), Buffer.from(victim.node)]);
    const two = await send(Buffer.concat([report(device.node), named]));
    must(two === "PERMISSION_DENIED NODE_MISMATCH", `a message with two names was answered ${String(two)}`);
    const own = Buffer.concat([Buffer.of(0x0a, device.node.length), Buffer.from(device.node)]);
    const other = await send(Buffer.concat([named, report(device.node), own]));
    must(typeof other !== "string", `the last of two names is its own, and was answered ${String(other)}`);
    const { nodes } = await fort.clients.fleet.listNodes({}, fort.clients.viewer);
    const seen = nodes.find(({ name }) => name === victim.node);
    must(seen?.situation?.capacityRps !== 7, "a re-encoded message spoke for another node");
    for (const broken of ["0a", "0affffff0f", "0a03616263ffffffffffffffffffff7f", "00", "0b"]) {
      const said = await send(Buffer.from(broken, "hex"));
      must(typeof said === "string" && !said.startsWith("UNKNOWN"), `${broken} was answered ${String(said)}`);
    }
    await fort.stillServes();
  },
  mutants: [
    {
      defence: "a session is of one node, whatever the message's order",
      of: "coordinator",
      patches: [{ file: "rpc/agent-service.ts", from: "if (own === nodeId) return;", to: "if (own !== '') return;" }],
      caught: /a message with two names|spoke for another node/,
    },
  ],
};

export const sizes: readonly Attack[] = [oversized, bomb, uploads, flood, silent, endless, reencoded];
