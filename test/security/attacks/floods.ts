/** Connections in numbers, connections that say nothing, and streams that never end. */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../../../apps/coordinator/src/testing/wait.ts";
import { TestDevice } from "../../../apps/coordinator/src/testing/device.ts";
import { type Attack, must } from "../harness/attack.ts";
import { Fort } from "../harness/fort.ts";
import { BEYOND } from "../harness/rows.ts";
import { type RawSocket, dialPlain, dialTls } from "../harness/wire.ts";

const IDLE_MS = 300;
const PER_ADDRESS = 4;
const CONNECTIONS = 12;

const downloads: Attack = {
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
      const begun = await dialTls(fort, grpc, { http2: true });
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
    fort.unmoved(before, "an endless stream");
    stream.cancel();
  },
};

const FLOOD = 40;

/** Floods a port of calls from one address, then from many, and looks who still gets in. */
function callFlood(port: "grpc" | "json"): Attack["run"] {
  return async (scene) => {
    const bounds = { connections_max: CONNECTIONS, connections_per_address_max: PER_ADDRESS };
    const fort = await Fort.open(scene, { config: { [port]: bounds } });
    const address = fort.endpoints[port];
    const flooded: RawSocket[] = [];
    scene.atEnd(() => flooded.forEach(({ socket }) => void socket.destroy()));
    const held = (): number => flooded.filter(({ isClosed }) => !isClosed).length;
    for (let n = 0; n < FLOOD; n += 1) flooded.push(await dialPlain(address, { localAddress: "127.0.0.8" }));
    await until(`one address holds no more than ${PER_ADDRESS} connections`, () => held() <= PER_ADDRESS || undefined);
    must(held() > 0, "nobody is let in, so that nothing was tested");
    const another = await dialTls(fort, address, { localAddress: "127.0.0.9", http2: port === "grpc" });
    must(!another.isClosed, "nobody else gets in");
    if (port === "grpc") await new TestDevice(fort.clients).enrol(await fort.token());
    for (let n = 0; n < FLOOD; n += 1) flooded.push(await dialPlain(address, { localAddress: `127.0.1.${n + 1}` }));
    await until(`all together hold no more than ${CONNECTIONS} connections`, () => held() <= CONNECTIONS || undefined);
    for (const { socket } of flooded) socket.destroy();
    await until("room again", async () => {
      const again = await dialTls(fort, address, { localAddress: "127.0.0.10", http2: port === "grpc" });
      const isIn = !again.isClosed;
      again.socket.destroy();
      return isIn || undefined;
    });
    await fort.stillServes();
  };
}

const calls: Attack = {
  row: BEYOND,
  name: "a flood of connections from one address takes the devices' port from nobody",
  run: callFlood("grpc"),
  mutants: [
    {
      defence: "the devices' port counts its connections",
      of: "coordinator",
      patches: [{ file: "tls/device-listener.ts", from: 'boundConnections(listener, bounds, log, "gRPC");', to: "" }],
      caught: /one address holds no more than/,
    },
  ],
};

const jsonCalls: Attack = {
  row: BEYOND,
  name: "a flood of connections from one address takes the operators' JSON port from nobody",
  run: callFlood("json"),
  mutants: [
    {
      defence: "the JSON port counts its connections",
      of: "coordinator",
      patches: [
        { file: "rpc/json-server.ts", from: 'boundConnections(server, listen.bounds, parts.log, "JSON");', to: "" },
      ],
      caught: /one address holds no more than/,
    },
  ],
};

export const floods: readonly Attack[] = [downloads, calls, jsonCalls, silent, endless];
