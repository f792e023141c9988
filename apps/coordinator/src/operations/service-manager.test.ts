import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../testing/wait.ts";
import { serviceManager } from "./service-manager.ts";

const LOG = { info: () => {}, warn: () => {}, error: () => {} };
const HAS_ALL = ["/usr/bin/systemd-notify", "/usr/bin/python3"].every((path) => existsSync(path));
if (!HAS_ALL) process.stderr.write("systemd-notify or python3 is not installed: its words are not listened to\n");

/** A socket for datagrams, which Node does not have: prints what comes. */
const LISTENER = `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);s.bind(sys.argv[1]);print("bound",flush=True)
while True: print(s.recv(4096).decode().strip(),flush=True)`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-notify-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.runIf(HAS_ALL)("systemd hears that it serves and that it stops", async () => {
  const socket = join(folder, "notify");
  const child = spawn("/usr/bin/python3", ["-c", LISTENER, socket], { stdio: ["ignore", "pipe", "inherit"] });
  let heard = "";
  child.stdout.on("data", (chunk: Buffer) => (heard += chunk.toString()));
  try {
    await until("the socket", () => heard.includes("bound") || undefined);
    const manager = serviceManager({ NOTIFY_SOCKET: socket }, LOG);
    manager.ready();
    await until("READY", () => heard.includes("READY=1") || undefined);
    manager.stopping();
    await until("STOPPING", () => heard.includes("STOPPING=1") || undefined);
  } finally {
    child.kill();
  }
});

test("where nobody listens, nothing is run and nothing is said", () => {
  const said: string[] = [];
  const manager = serviceManager({}, { ...LOG, error: (_, message) => said.push(message) });
  manager.ready();
  manager.stopping();
  expect(said).toEqual([]);
});
