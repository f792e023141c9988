/** Releases for a coordinator under attack: listed by the council, published by the one who may. */
import { type TestBuild, buildOf, enveloped } from "../../../apps/coordinator/src/testing/network.ts";
import type { Fort } from "./fort.ts";

/** Puts a build's parts on the coordinator's shelf. */
export async function upload(fort: Fort, build: TestBuild): Promise<void> {
  for (const [digest, body] of build.parts) {
    const headers = { authorization: `Bearer ${fort.clients.operatorToken}` };
    const { status } = await fort.clients.http("PUT", `/v1/parts/${digest}`, { headers, body });
    if (status !== 201 && status !== 200) throw new Error(`upload: ${status}`);
  }
}

/** Hands metadata in, as the publisher does. */
export async function publishMetadata(fort: Fort, files: readonly Uint8Array[]): Promise<void> {
  const { metadata, publisher } = fort.clients;
  await metadata.publishMetadata({ files: [...files] }, publisher);
}

/** Lists a build, publishes its release and turns the dial to everyone. */
export async function releaseToAll(fort: Fort, counter = 2): Promise<TestBuild> {
  const version = `${counter}.0.0`;
  const build = buildOf(version, counter);
  await upload(fort, build);
  await publishMetadata(fort, fort.network.allow(fort.network.entry(build.manifest)));
  const { releases, rollout, operator } = fort.clients;
  await releases.publishRelease({ signedManifests: [enveloped(build)] }, operator);
  await rollout.setDial(
    { dial: { release: `releases/${version}`, setting: { case: "everyone", value: {} } } },
    operator,
  );
  return build;
}
