import { digestOf, generateKey } from "@moult/trust";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { type TestBuild, buildOf, enveloped } from "../testing/network.ts";
import { refused, refusedWith } from "../testing/refusal.ts";

let home: TestCoordinator;
beforeAll(async () => {
  home = await TestCoordinator.start();
});
afterAll(() => home.stop());

const NOT_LISTED = "FAILED_PRECONDITION BUILD_NOT_LISTED";
const INVALID = "INVALID_ARGUMENT MANIFEST_INVALID";

function publish(...signedManifests: Uint8Array[]): Promise<unknown> {
  return home.clients.releases.publishRelease({ signedManifests }, home.clients.operator);
}

async function known(): Promise<readonly string[]> {
  const { releases } = await home.clients.releases.listReleases({}, home.clients.operator);
  return releases.map((release) => release.version);
}

interface Envelope {
  payload: string;
  signatures: { keyid: string; sig: string }[];
}

/** An envelope that was changed. */
function altered(envelope: Uint8Array, change: (envelope: Envelope) => void): Uint8Array {
  const document = JSON.parse(Buffer.from(envelope).toString()) as Envelope;
  change(document);
  return Buffer.from(JSON.stringify(document));
}

/** A build whose parts are there and that the council allows. */
async function allowed(build: TestBuild): Promise<TestBuild> {
  await home.upload(build);
  await home.allow(build);
  return build;
}

test("a build that the council has not listed makes no release, whoever signed its manifest", async () => {
  const build = buildOf("1.1.0", 11);
  await home.upload(build);
  expect(await refusedWith(publish(build.manifest))).toBe(INVALID);
  expect(await refusedWith(publish(enveloped(build)))).toBe(NOT_LISTED);
  const byCouncil = enveloped(build, home.network.keys.council);
  expect(await refusedWith(publish(byCouncil))).toBe(NOT_LISTED);
  expect(await known()).not.toContain("1.1.0");
});

test("a manifest that was altered after it was listed makes no release", async () => {
  const build = await allowed(buildOf("1.2.0", 12));
  const changed = altered(enveloped(build), (envelope) => {
    const text = Buffer.from(envelope.payload, "base64").toString().replace('"1.2.0"', '"1.2.9"');
    envelope.payload = Buffer.from(text).toString("base64");
  });
  expect(await refusedWith(publish(changed))).toBe(NOT_LISTED);
});

test("a manifest that is listed and yet breaks a rule is named by its place", async () => {
  const other = await allowed(buildOf("1.3.0", 13, { network: "another" }));
  const refusal = await refused(publish(enveloped(other)));
  expect(`${refusal.code} ${refusal.reason}`).toBe(INVALID);
  expect(refusal.violations).toEqual([
    { field: "signed_manifests[0]", description: "is for network another, not demo" },
  ]);
  const linux = await allowed(buildOf("1.3.0", 13));
  expect(await refusedWith(publish(enveloped(linux), enveloped(linux)))).toBe(INVALID);
  const arm = { platform: { os: "linux", arch: "arm64" } };
  const other131 = await allowed(buildOf("1.3.1", 13, arm));
  expect(await refusedWith(publish(enveloped(linux), enveloped(other131)))).toBe(INVALID);
  expect(await refusedWith(publish())).toBe(INVALID);
  expect(await known()).not.toContain("1.3.0");
});

test("a part that has not been uploaded, or is of another length, holds a release back", async () => {
  const build = buildOf("1.4.0", 14);
  await home.allow(build);
  const refusal = await refused(publish(enveloped(build)));
  expect(`${refusal.code} ${refusal.reason}`).toBe("FAILED_PRECONDITION PART_MISSING");
  await home.upload(build);
  await publish(enveloped(build));
  expect(await known()).toContain("1.4.0");
});

test("a release is taken once: the same again is the same, other bytes are refused", async () => {
  const { releases, operator } = home.clients;
  const build = await allowed(buildOf("2.0.0", 20));
  const first = await releases.publishRelease({ signedManifests: [enveloped(build)] }, operator);
  const byOne = enveloped(build, [generateKey()]);
  const again = await releases.publishRelease({ signedManifests: [byOne] }, operator);
  expect(again.release).toEqual(first.release);
  expect(first.release?.builds[0]).toMatchObject({ listed: true, signedBy: [] });
  const sameVersion = await allowed(buildOf("2.0.0", 21));
  const sameCounter = await allowed(buildOf("2.0.1", 20));
  expect(await refusedWith(publish(enveloped(sameVersion)))).toBe("ALREADY_EXISTS RELEASE_EXISTS");
  expect(await refusedWith(publish(enveloped(sameCounter)))).toBe("ALREADY_EXISTS RELEASE_EXISTS");
  expect((await known()).filter((version) => version.startsWith("2.0."))).toEqual(["2.0.0"]);
});

test("the manifest is served byte for byte as it came", async () => {
  const build = await allowed(buildOf("3.0.0", 30));
  const envelope = enveloped(build);
  await publish(envelope);
  const answer = await home.clients.http("GET", `/v1/manifests/${build.digest}`);
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual(Buffer.from(envelope));
  const { payload } = JSON.parse(answer.body.toString()) as Envelope;
  expect(digestOf(Buffer.from(payload, "base64"))).toBe(build.digest);
});

test("a new release's dial stands at nobody; a recalled one stays recalled", async () => {
  const { releases, rollout, operator } = home.clients;
  const build = await allowed(buildOf("4.0.0", 40));
  await publish(enveloped(build));
  const name = "releases/4.0.0";
  expect((await rollout.getDial({ release: name }, operator)).dial?.setting.case).toBe("nobody");
  await releases.recallRelease({ name, reason: "wrong" }, operator);
  expect((await releases.recallRelease({ name, reason: "wrong" }, operator)).release?.recalled).toBe(true);
  await publish(enveloped(build));
  expect((await releases.getRelease({ name }, operator)).release?.recalled).toBe(true);
  const unknown = releases.recallRelease({ name: "releases/9.9.9", reason: "wrong" }, operator);
  expect(await refusedWith(unknown)).toBe("NOT_FOUND RELEASE_UNKNOWN");
});

test("releases are listed in pages, the highest counter first", async () => {
  const { releases, operator } = home.clients;
  const all = await known();
  const listed: string[] = [];
  let pageToken = "";
  do {
    const page = await releases.listReleases({ pageSize: 2, pageToken }, operator);
    listed.push(...page.releases.map((release) => release.version));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(listed).toEqual(all);
  expect(all[0]).toBe("4.0.0");
});
