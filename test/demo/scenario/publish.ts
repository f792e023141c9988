/** Step: the council signs version 2. One signature is not enough; two of three are. */
import type { Council } from "../fleet/council.ts";
import type { PreparedRelease } from "../fleet/releases.ts";
import { type ScenarioStep, type World, must } from "./world.ts";

/** Exit code of `moult` where signatures are not what they must be. */
const REFUSED = 6;

/** Has two members allow the release, and publishes it. */
export async function signAndPublish(world: World, council: Council, release: PreparedRelease): Promise<void> {
  await council.release((words) => world.moult(words), release.dir);
}

/** The step. */
export function publishStep(council: Council): ScenarioStep {
  return {
    title: "The council signs version 2: one signature of three is refused, two are enough.",
    run: async (world) => {
      const { two } = world.releases;
      const moult = (words: readonly string[]): Promise<unknown> => world.moult(words);
      const list = await council.propose(moult, two.dir);
      await council.sign(moult, list, 0);
      const refused = await world.moult(council.publishing(list), REFUSED);
      must(/SIGNATURES_TOO_FEW/.test(refused.stderr), `the refusal does not say why: ${refused.stderr}`);
      world.tell("refused: one council key of the two that are needed");
      await council.sign(moult, list, 1);
      await world.moult(council.publishing(list));
      await world.moult(["release", "publish", two.dir]);
      world.record("One council signature on a list with version 2 was refused; with two of three it was published.");
    },
  };
}
