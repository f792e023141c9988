/** Row 4: a node missed one rollout and has to wait behind the next. */
import { makeBuild, versionOf } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { Home } from "../harness/home.ts";

export const missedRollout: Failure = {
  name: "04 a node that missed a rollout moves straight to the next",
  async run(scene) {
    const home = await Home.open(scene, { factory: makeBuild(scene, { counter: 1, says: "none" }) });
    await home.box.cutPower();
    const missed = makeBuild(scene, { counter: 2, says: "none" });
    await home.release(missed);
    await home.dial(versionOf(2), "nobody");
    const next = makeBuild(scene, { counter: 3, says: "none" });
    await home.release(next);
    home.box.switchOn();
    await home.nodeIs("the newest release", ({ digest }) => digest === next.digest);
    must(!home.mirror.asked.includes(`manifests/${missed.digest}`), "it fetched the release it had missed");
  },
};

export const hops: Failure = {
  name: "04 a node that is too far behind walks the releases in between",
  async run(scene) {
    const home = await Home.open(scene, { factory: makeBuild(scene, { counter: 1, says: "none" }) });
    await home.box.cutPower();
    const hop = makeBuild(scene, { counter: 2, says: "none" });
    const next = makeBuild(scene, { counter: 3, says: "none", manifest: { from_versions: [versionOf(2)] } });
    await home.release(hop);
    await home.release(next);
    home.box.switchOn();
    await home.nodeIs("the newest release", ({ digest }) => digest === next.digest);
    must(home.box.startsIn("a") > 0 && home.box.startsIn("b") > 0, "it did not walk through the hop");
  },
};
