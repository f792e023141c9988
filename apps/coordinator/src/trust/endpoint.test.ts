import { type FileName, fileNameOf, refreshNetwork } from "@moult/trust/tuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { buildOf } from "../testing/network.ts";

let home: TestCoordinator;
beforeAll(async () => {
  home = await TestCoordinator.start();
  await home.allow(buildOf("2.0.0", 2));
});
afterAll(() => home.stop());

test("every file stands under TUF's name, as it was signed", async () => {
  for (const name of ["1.root.json", "1.targets.json", "1.snapshot.json", "timestamp.json"]) {
    const { status, body, headers } = await home.clients.http("GET", `/v1/metadata/${name}`);
    expect([name, status, headers["content-type"]]).toEqual([name, 200, "application/json"]);
    expect(body).toEqual(Buffer.from(home.network.files.get(name) ?? []));
  }
});

test("who has a file is told so, and roots may be kept for ever", async () => {
  const first = await home.clients.http("GET", "/v1/metadata/1.targets.json");
  const headers = { "if-none-match": String(first.headers.etag) };
  expect((await home.clients.http("GET", "/v1/metadata/1.targets.json", { headers })).status).toBe(304);
  expect((await home.clients.http("GET", "/v1/metadata/timestamp.json", { headers })).status).toBe(200);
  const caching = async (name: string): Promise<unknown> =>
    (await home.clients.http("HEAD", `/v1/metadata/${name}`)).headers["cache-control"];
  expect(await caching("1.root.json")).toContain("immutable");
  for (const name of ["timestamp.json", "brakes.json"]) expect(await caching(name)).toBe("public, no-cache");
});

test("brakes.json is an empty array where nobody brakes", async () => {
  expect((await home.clients.http("GET", "/v1/metadata/brakes.json")).body.toString()).toBe("[]");
});

test("other names, other versions, paths and methods are refused", async () => {
  const names = ["", "root.json", "2.root.json", "0.root.json", "01.root.json", "1.timestamp.json", "timestamp.json/"];
  const tricks = [
    "..%2f1.root.json",
    "1.root.json?x=1",
    "1.mirrors.json",
    "../moult.db",
    "99999999999999999.root.json",
  ];
  for (const name of [...names, ...tricks]) {
    expect([name, (await home.clients.http("GET", `/v1/metadata/${name}`)).status]).toEqual([name, 404]);
  }
  for (const method of ["PUT", "POST", "DELETE"]) {
    expect((await home.clients.http(method, "/v1/metadata/timestamp.json")).status).toBe(405);
  }
});

test("a device's own walk over these files, and over the calls, comes to the list", async () => {
  const overHttp = async ({ role, version }: FileName): Promise<Uint8Array | undefined> => {
    const path = `/v1/metadata/${fileNameOf(version === undefined ? { role } : { role, version })}`;
    const { status, body } = await home.clients.http("GET", path);
    return status === 200 ? new Uint8Array(body) : undefined;
  };
  const overCalls = async ({ role, version = 0 }: FileName): Promise<Uint8Array | undefined> => {
    const request = { role, version: BigInt(version) };
    const answer = home.clients.metadata.getMetadata(request, { timeoutMs: 10_000 });
    return answer.then(
      ({ file }) => file,
      () => undefined,
    );
  };
  for (const fetch of [overHttp, overCalls]) {
    const store = {
      load: async () => ({ root: home.network.flashedRoot, targets: new Map() }),
      save: async () => undefined,
    };
    const { allowlist } = await refreshNetwork({ source: { fetch }, store }, home.now());
    expect([...allowlist.builds.keys()]).toEqual([buildOf("2.0.0", 2).digest]);
  }
});
