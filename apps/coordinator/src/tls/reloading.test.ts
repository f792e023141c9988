import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { until } from "../testing/wait.ts";
import { ownTls, pinOf, readTls } from "./certificate.ts";
import { ReloadingTls } from "./reloading.ts";

const DAY_MS = 86_400_000;
const NAMES = ["localhost", "127.0.0.1"];
const FILES = { ca_file: "ca.pem", cert_file: "server.pem", key_file: "server.key" } as const;

let folder: string;
let live: { readonly ca_file: string; readonly cert_file: string; readonly key_file: string };
let opened: ReloadingTls | undefined;
let now: number;
let pins: readonly string[];
const lines: string[] = [];
const outcomes: string[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "moult-reloading-"));
  now = Date.now();
  pins = [];
  lines.length = 0;
  outcomes.length = 0;
  const at = (name: string): string => join(folder, "live", name);
  live = { ca_file: at(FILES.ca_file), cert_file: at(FILES.cert_file), key_file: at(FILES.key_file) };
  mkdirSync(join(folder, "live"));
  await ownTls(join(folder, "first"), NAMES, now);
  await ownTls(join(folder, "second"), NAMES, now);
  link("first");
});
afterEach(() => {
  opened?.stop();
  opened = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** Points links at another folder's files, one after the other, as renewers do. */
function link(to: string, names: readonly string[] = Object.values(FILES)): void {
  for (const name of names) {
    symlinkSync(join("..", to, name), join(folder, "live", `${name}.new`));
    renameSync(join(folder, "live", `${name}.new`), join(folder, "live", name));
  }
}

async function open(): Promise<ReloadingTls> {
  const note = (_: object, message: string): void => void lines.push(message);
  opened = await ReloadingTls.open({
    read: async () => readTls(live),
    files: Object.values(live),
    pins: () => pins,
    clock: { now: () => now },
    log: { info: note, warn: note, error: (facts, message) => lines.push(`${message}: ${JSON.stringify(facts)}`) },
    onReload: (outcome) => outcomes.push(outcome),
    lookMs: 30,
  });
  return opened;
}

function certificateIn(name: string): string {
  return readFileSync(join(folder, name, FILES.cert_file), "utf8");
}

test("a swap of links is noticed, taken whole, and told once", async () => {
  const tls = await open();
  const told: string[] = [];
  tls.subscribe(({ certificate }) => told.push(certificate));
  tls.watch();
  link("second");
  await until("the new pair", () => tls.current.certificate === certificateIn("second") || undefined);
  expect(told).toEqual([certificateIn("second")]);
  expect([outcomes, tls.pin]).toEqual([["taken"], pinOf(tls.current)]);
  expect(lines).toEqual(["another certificate is shown from now on"]);
});

test("reading what was there before is no event", async () => {
  const tls = await open();
  await tls.reload();
  expect([outcomes, lines]).toEqual([[], []]);
});

test.each([
  ["the key of another", () => link("second", [FILES.key_file]), /are no certificate and its key/],
  ["a file that is gone", () => rmSync(live.cert_file), /tls\.cert_file: .* cannot be read/],
  [
    "what is half written",
    () => writeFileSync(join(folder, "first", FILES.cert_file), "-----BEGIN CERT"),
    /are no certificate/,
  ],
  [
    "one that has ended",
    () => {
      link("second");
      now += 400 * DAY_MS;
    },
    /the certificate ended at/,
  ],
  [
    "one that has not begun",
    () => {
      link("second");
      now -= 10 * DAY_MS;
    },
    /the certificate begins only at/,
  ],
  [
    "a key that devices do not pin",
    () => {
      pins = [pinOf({ certificate: certificateIn("first") })];
      link("second");
    },
    /devices pin the server keys/,
  ],
])("%s keeps the last good pair, and says so in one line", async (_, break_, why) => {
  const first = certificateIn("first");
  const tls = await open();
  tls.subscribe(() => expect.unreachable());
  break_();
  tls.watch();
  await until("the refusal", () => outcomes.length > 0 || undefined);
  expect(tls.current.certificate).toBe(first);
  expect(outcomes).toEqual(["refused"]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(why);
});

test("a key that devices pin as a spare is taken", async () => {
  pins = ["first", "second"].map((name) => pinOf({ certificate: certificateIn(name) }));
  const tls = await open();
  link("second");
  await tls.reload();
  expect(outcomes).toEqual(["taken"]);
});

/** The fingerprint of what a port shows. */
function shown(authority: string): Promise<string> {
  const { hostname, port } = new URL(authority.includes("//") ? authority : `https://${authority}`);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname,
      port: Number(port),
      rejectUnauthorized: false,
      ALPNProtocols: ["h2", "http/1.1"],
    });
    socket.once("secureConnect", () => {
      resolve(socket.getPeerX509Certificate()?.toString().trim() ?? "");
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

test("all ports of a coordinator show the new pair to new connections, and those that there are stay", async () => {
  const home = await TestCoordinator.start({
    config: { tls: live, operators: { port: 0 }, metrics: { port: 0 } },
    tlsFolder: join(folder, "first"),
  });
  try {
    const { running, clients } = home;
    const ports = [running.grpc, running.json, running.artifacts, running.operators ?? ""];
    const all = (): Promise<readonly string[]> => Promise.all(ports.map(shown));
    const [first, second] = ["first", "second"].map((name) => certificateIn(name).trim());
    expect(await all()).toEqual(ports.map(() => first));
    await clients.fleet.listPools({}, clients.viewer);
    link("second", [FILES.key_file]);
    running.reload();
    await until("the refusal", () => home.logged.find(({ message }) => message.includes("cannot be used")));
    expect(await all()).toEqual(ports.map(() => first));
    link("second");
    running.reload();
    await until("the new pair", () => home.logged.find(({ message }) => message.includes("another certificate")));
    expect(await all()).toEqual(ports.map(() => second));
    // It would not trust the new one: its connection is the one from before.
    await clients.fleet.listPools({}, clients.viewer);
    const figures = await (await fetch(`${running.metrics}/metrics`)).text();
    expect(figures).toMatch(/^moult_tls_reloads_total\{moult_outcome="taken"\} 1$/m);
    expect(figures).toMatch(/^moult_tls_reloads_total\{moult_outcome="refused"\} [12]$/m);
  } finally {
    await home.stop();
  }
});
