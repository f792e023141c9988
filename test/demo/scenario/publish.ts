/** Step: the council signs version 2. One signature is not enough; two of three are. */
import type { Council } from "../fleet/council.ts";
import type { PreparedRelease } from "../fleet/releases.ts";
import { type ScenarioStep, type World, must } from "./world.ts";

/** Exit code of `moult` where the coordinator refuses. */
const REFUSED = 3;

/** Signs with the first two members' keys and publishes. */
export async function signAndPublish(world: World, council: Council, release: PreparedRelease): Promise<void> {
  for (const key of council.keyFiles.slice(0, council.threshold)) {
    await world.moult(["release", "sign", release.dir, "--key", key]);
  }
  await world.moult(["release", "publish", release.dir]);
}

/** The step. */
export function publishStep(council: Council): ScenarioStep {
  return {
    title: "The council signs version 2: one signature of three is refused, two are enough.",
    run: async (world) => {
      const { two } = world.releases;
      const [first, second] = council.keyFiles;
      await world.moult(["release", "sign", two.dir, "--key", first]);
      const refused = await world.moult(["release", "publish", two.dir], REFUSED);
      must(/SIGNATURES_TOO_FEW/.test(refused.stderr), `the refusal does not say why: ${refused.stderr}`);
      world.tell("refused: one council key of the two that are needed");
      await world.moult(["release", "sign", two.dir, "--key", second]);
      await world.moult(["release", "publish", two.dir]);
      world.record("One council signature on version 2 was refused; with two of three it was published.");
    },
  };
}
