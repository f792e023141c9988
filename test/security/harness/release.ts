/** Releases for a coordinator under attack: published by the one who may. */
import { type TestBuild, buildOf, signed } from "../../../apps/coordinator/src/testing/council.ts";
import type { Fort } from "./fort.ts";

/** Puts a part on the coordinator's shelf. */
export async function upload(fort: Fort, build: TestBuild): Promise<void> {
  for (const [digest, body] of build.parts) {
    const headers = { authorization: `Bearer ${fort.clients.operatorToken}` };
    const { status } = await fort.clients.http("PUT", `/v1/parts/${digest}`, { headers, body });
    if (status !== 201 && status !== 200) throw new Error(`upload: ${status}`);
  }
}

/** Publishes a release and turns its dial to everyone. */
export async function releaseToAll(fort: Fort, counter = 2): Promise<TestBuild> {
  const version = `${counter}.0.0`;
  const build = buildOf(version, counter);
  await upload(fort, build);
  const { releases, rollout, operator } = fort.clients;
  await releases.publishRelease({ signedManifests: [signed(build)] }, operator);
  await rollout.setDial(
    { dial: { release: `releases/${version}`, setting: { case: "everyone", value: {} } } },
    operator,
  );
  return build;
}
