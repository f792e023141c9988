import { existsSync, readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { connect } from "node:tls";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { TestCoordinator } from "../testing/coordinator.ts";
import { listen } from "../testing/stream.ts";
import { refused } from "../testing/refusal.ts";
import { until } from "../testing/wait.ts";
import { CATALOGUE, type Metric } from "./catalogue.ts";

const GOLDEN = join(import.meta.dirname, "golden.txt");
const RULES = join(import.meta.dirname, "..", "..", "alerts", "moult.rules.yaml");

/** What only shows when something goes wrong, or where there is more than one process has here. */
const NOT_HERE = new Set([
  // No garbage of that sort may have been collected yet.
  "v8js.gc.duration",
]);

let home: TestCoordinator;
let text: string;
beforeAll(async () => {
  home = await TestCoordinator.start({ config: { metrics: { port: 0 }, json: { port: 0 } } });
  const device = await home.device();
  await device.ask();
  const attended = listen(home.clients.agent.attend({ bearer: device.token }));
  await refused(home.clients.fleet.listPools({}, { bearer: "wrong", timeoutMs: 10_000 }));
  // Somebody who speaks no TLS to a port that does.
  const port = Number(new URL(home.running.json).port);
  await new Promise<void>((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: true, ca: "" });
    socket.on("error", () => resolve());
  });
  // Both the stream and the log's first checkpoint come by themselves.
  text = await until("the figures", async () => {
    const scraped = await scrape("/metrics");
    const there = /^moult_attend_streams 1$/m.test(scraped.text) && scraped.text.includes("moult_audit_size{");
    return there ? scraped.text : undefined;
  });
  attended.cancel();
});
afterAll(() => home.stop());

async function scrape(path: string): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`${home.running.metrics}${path}`);
  return { status: answer.status, text: await answer.text() };
}

/** What is really sent: `name type unit labels`, in the order of names. */
function shapes(scraped: string): readonly string[] {
  const found = new Map<string, { type: string; unit: string; readonly labels: Set<string> }>();
  let name = "";
  for (const line of scraped.split("\n")) {
    const [, word = "", of = "", rest = ""] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line) ?? [];
    if (word === "HELP") {
      name = of;
      found.set(name, { type: "", unit: "", labels: new Set() });
    }
    const shape = found.get(name);
    if (shape === undefined) continue;
    if (word === "TYPE") shape.type = rest;
    if (word === "UNIT") shape.unit = rest;
    const labels = word === "" ? (/^[^{ ]+\{(.*)\}/.exec(line)?.[1] ?? "") : "";
    for (const [, label = ""] of labels.matchAll(/([a-z_0-9]+)="(?:[^"\\]|\\.)*"/g)) {
      if (label !== "le") shape.labels.add(label);
    }
  }
  return [...found]
    .filter(([of]) => of !== "v8js_gc_duration")
    .map(([of, { type, unit, labels }]) => [of, type, unit, [...labels].sort().join(",") || "-"].join(" "))
    .sort();
}

function prometheusName(name: string, { kind }: Metric): string {
  return `${name.replaceAll(".", "_")}${kind === "counter" ? "_total" : ""}`;
}

test("names, types, units and attributes are those that were promised", () => {
  const promised = readFileSync(GOLDEN, "utf8").trimEnd().split("\n");
  const told =
    "The metrics are not what golden.txt says. Dashboards and alerts go by these names: add, and do not change or take away. " +
    "Where it is meant, put the lines below into apps/coordinator/src/metrics/golden.txt and run `pnpm generate`.";
  expect(shapes(text), told).toEqual(promised);
});

test("what the catalogue names is sent, and nothing else", () => {
  const sent = new Set(shapes(text).map((line) => line.split(" ")[0]));
  const named = [...CATALOGUE]
    .filter(([name]) => !NOT_HERE.has(name))
    .map(([name, metric]) => prometheusName(name, metric));
  expect(named.filter((name) => !sent.has(name))).toEqual([]);
  expect([...sent].filter((name) => name !== "target_info" && !named.includes(name ?? ""))).toEqual([]);
});

test("labels are the catalogue's attributes", () => {
  const allowed = new Map(
    [...CATALOGUE].map(([name, metric]) => [
      prometheusName(name, metric),
      new Set(Object.keys(metric.attributes ?? {}).map((key) => key.replaceAll(".", "_"))),
    ]),
  );
  for (const line of shapes(text)) {
    const [name = "", , , labels = "-"] = line.split(" ");
    if (name === "target_info" || labels === "-") continue;
    for (const label of labels.split(",")) expect(allowed.get(name)?.has(label), `${name}{${label}}`).toBe(true);
  }
});

test("the values are those of what has happened", () => {
  const value = (series: string): number => {
    const line = text.split("\n").find((one) => one.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1));
  };
  expect(value('moult_asks_total{moult_decision="STAY",moult_gate="ALLOWLIST"}')).toBe(1);
  expect(value("moult_ready")).toBe(1);
  expect(value("moult_seat_taken_total")).toBe(1);
  expect(value('moult_connections{moult_port="grpc"}')).toBeGreaterThan(0);
  expect(value('moult_handshakes_failed_total{moult_port="json"}')).toBe(1);
  const call = (method: string, code: string): string =>
    `rpc_server_call_duration_count{rpc_system_name="grpc",rpc_method="moult.v1.${method}",rpc_response_status_code="${code}"}`;
  expect(value(call("AgentService/Ask", "OK"))).toBe(1);
  expect(value(call("FleetService/ListPools", "UNAUTHENTICATED"))).toBe(1);
  expect(value('moult_nodes{moult_pool="home",moult_state="SERVING"}')).toBe(1);
  expect(value("moult_batch_changes_count")).toBeGreaterThan(0);
  expect(value('process_cpu_time_total{cpu_mode="user"}')).toBeGreaterThan(0);
});

test("the port is for reading, and for what it has", async () => {
  expect((await scrape("/healthz")).status).toBe(200);
  expect(await scrape("/readyz")).toEqual({ status: 200, text: "it decides\n" });
  expect((await scrape("/")).status).toBe(404);
  expect((await fetch(`${home.running.metrics}/metrics`, { method: "POST" })).status).toBe(405);
});

test("the sample alerts go by metrics that there are, and promtool takes them where it is installed", () => {
  const { groups } = parse(readFileSync(RULES, "utf8")) as {
    groups: { rules: { alert: string; expr: string; annotations: { summary: string; action: string } }[] }[];
  };
  const known = new Set(shapes(text).map((line) => line.split(" ")[0]));
  const rules = groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(10);
  for (const { alert, expr, annotations } of rules) {
    expect(annotations.summary.length * annotations.action.length, alert).toBeGreaterThan(0);
    const used = [...expr.matchAll(/\b((?:moult|rpc|db|process|nodejs)_[a-z_0-9]+)(?=[{[\s)]|$)/g)].map(
      ([, name = ""]) => name,
    );
    const metrics = used.map((name) => name.replace(/_(bucket|count|sum)$/, "")).filter((name) => !LABELS.has(name));
    expect(metrics.length, alert).toBeGreaterThan(0);
    expect(
      metrics.filter((name) => !known.has(name) && name !== "process_unix_file_descriptor"),
      alert,
    ).toEqual([]);
  }
  const promtool = ["/usr/bin/promtool", "/usr/local/bin/promtool"].find((path) => existsSync(path));
  if (promtool === undefined)
    process.stderr.write("promtool is not installed: the sample alerts are not checked by it\n");
  else execFileSync(promtool, ["check", "rules", RULES]);
});

/** Words of an expression that are labels. */
const LABELS: ReadonlySet<string> = new Set(["moult_network", "moult_checkpoint", "moult_role"]);
