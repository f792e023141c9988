/** Too much of everything: messages, bombs, streams and connections. What is bounded is refused, and others are served. */
import { randomBytes } from "node:crypto";
import { request } from "node:https";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { ReportRequestSchema } from "@moult/contracts/v1";
import { encodeHead } from "@moult/delta";
import { digestOf } from "@moult/trust";
import { type Attack, must } from "../harness/attack.ts";
import { Fort } from "../harness/fort.ts";
import { dialTls, rawCall } from "../harness/wire.ts";

const MIB = 1_048_576;
const BOMB_BYTES = 256 * MIB;

/** Both may be called by anybody. What devices say has a closer limit than what anybody else does. */
const ENROL = "/moult.v1.AgentService/Enroll";
const METADATA = "/moult.v1.MetadataService/GetMetadata";

const oversized: Attack = {
  row: "oversized message, compression bomb",
  name: "a message beyond the limit is refused, on gRPC and as JSON, before it is read",
  async run(scene) {
    const fort = await Fort.open(scene);
    const before = fort.footprint().peakBytes;
    const said = await rawCall(fort, { path: METADATA, bytes: Buffer.alloc(5 * MIB) });
    must(typeof said === "string" && said.startsWith("RESOURCE_EXHAUSTED"), `5 MiB were answered ${String(said)}`);
    const told = await rawCall(fort, { path: ENROL, bytes: Buffer.alloc(MIB / 4) });
    must(typeof told === "string" && told.startsWith("RESOURCE_EXHAUSTED"), `256 KiB were answered ${String(told)}`);
    const status = await postJson(fort, Buffer.from(JSON.stringify({ pageToken: "x".repeat(5 * MIB) })), {});
    must(status === 429 || status === 413, `5 MiB of JSON were answered ${status}`);
    fort.unmoved(before, "an oversized message");
    await fort.stillServes();
  },
  mutants: [
    {
      defence: "a message has at most 4 MiB",
      of: "coordinator",
      patches: [
        {
          file: "rpc/server.ts",
          from: "receiveBytesMax: MESSAGE_BYTES_MAX,",
          to: "receiveBytesMax: 0x7fffffff,",
        },
      ],
      caught: /5 MiB were answered/,
    },
    {
      defence: "a message of a device has at most 128 KiB",
      of: "coordinator",
      patches: [
        {
          file: "rpc/server.ts",
          from: "receiveBytesMax: DEVICE_MESSAGE_BYTES_MAX }",
          to: "receiveBytesMax: 0x7fffffff }",
        },
      ],
      caught: /256 KiB were answered/,
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
  name: "a small message that unpacks to a quarter of a gigabyte is given up on the way, on gRPC and as JSON",
  async run(scene) {
    const fort = await Fort.open(scene);
    const zeros = Buffer.alloc(BOMB_BYTES);
    const before = fort.footprint().peakBytes;
    const said = await rawCall(fort, { path: METADATA, bytes: zeros, gzip: true });
    must(typeof said === "string" && said.startsWith("RESOURCE_EXHAUSTED"), `a bomb was answered ${String(said)}`);
    const status = await postJson(fort, gzipSync(zeros, { level: 1 }), { "content-encoding": "gzip" });
    must(status >= 400 && status < 500, `a bomb of JSON was answered ${status}`);
    fort.unmoved(before, "a bomb");
    await fort.stillServes();
  },
  mutants: [
    {
      defence: "a message is unpacked no further than the limit",
      of: "coordinator",
      patches: [
        {
          file: "rpc/server.ts",
          from: "receiveBytesMax: MESSAGE_BYTES_MAX,",
          // Neither what one message may make, nor what all together may.
          to: "receiveBytesMax: 0x7fffffff, partialBytesMax: 0x7fffffff, partialBytesMaxOverall: 0x7fffffff,",
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
    fort.unmoved(before, "a packed bomb");
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

const UPLOAD_MAX_BYTES = MIB;

const unknownLength: Attack = {
  row: "oversized message, compression bomb",
  name: "an upload that does not say its length, or says two, is refused, and one without an end is cut",
  async run(scene) {
    const fort = await Fort.open(scene, { config: { artifacts: { part_bytes_max: UPLOAD_MAX_BYTES } } });
    const part = randomBytes(100);
    const target = `/v1/parts/${digestOf(part)}`;
    const head = (...more: readonly string[]): string =>
      [
        `PUT ${target} HTTP/1.1`,
        "Host: x",
        `Authorization: Bearer ${fort.clients.operatorToken}`,
        "Connection: close",
        ...more,
        "",
        "",
      ].join("\r\n");
    const chunk = (bytes: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
    const endless = await dialTls(fort, fort.endpoints.artifacts);
    endless.socket.write(head("Transfer-Encoding: chunked"));
    let sentBytes = 0;
    // What the server's machine holds of it before the server looks counts as well.
    while (!endless.isClosed && sentBytes < 64 * UPLOAD_MAX_BYTES) {
      sentBytes += 65_536;
      if (!endless.socket.write(chunk(randomBytes(65_536)))) await endless.drained();
    }
    must(endless.isClosed, `${sentBytes / MIB} MiB without an end were taken, where a part has one at most`);
    for (const lengths of [
      ["Transfer-Encoding: chunked", "Content-Length: 100"],
      ["Content-Length: 100", "Content-Length: 3"],
      ["Transfer-Encoding: identity, chunked"],
      ["Content-Length: -1"],
      ["Content-Length: 1e2"],
    ]) {
      const dialled = await dialTls(fort, fort.endpoints.artifacts);
      dialled.socket.write(Buffer.concat([Buffer.from(head(...lengths)), chunk(part), Buffer.from("0\r\n\r\n")]));
      await dialled.ends("the end of a request of odd length");
      const answered = dialled.received.slice(0, 12);
      must(/^HTTP\/1\.1 4\d\d/.test(answered), `${lengths.join(" and ")} was answered "${answered}"`);
    }
    must((await fort.clients.http("HEAD", target)).status === 404, "an upload of odd length is served");
    await fort.stillServes();
  },
  mutants: [
    {
      defence: "an upload says its length",
      of: "coordinator",
      patches: [
        {
          file: "artifacts/endpoint.ts",
          from: "if (!Number.isSafeInteger(length) || length < 0) {",
          to: "if (length < 0) {",
        },
      ],
      caught: /MiB without an end were taken|was answered "HTTP\/1.1 2/,
    },
  ],
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

export const sizes: readonly Attack[] = [oversized, bomb, uploads, unknownLength, reencoded];
