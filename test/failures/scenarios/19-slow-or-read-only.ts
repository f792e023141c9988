/** Row 19: a very slow line; a file system that cannot be written. */
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { FailureReason, OutcomeKind } from "@moult/contracts/v1";
import { writeHonestHead } from "../../../apps/agent/src/testing/artifact-server.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { MOVE_MS, OddHome } from "../harness/odd-home.ts";
import { mountSmallDisk, noMounts, remount } from "../harness/small-disk.ts";

const SLOW = new Uint8Array(60_000).map((_, index) => (index * 13) % 251);
/** The line carries a piece, rests, and is cut after so many pieces. */
const PIECE_BYTES = 2_500;
const REST_MS = 80;
const PIECES_MAX = 6;

export const slowLine: Failure = {
  name: "19 a very slow line that is cut again and again is enough",
  async run(scene) {
    const home = await OddHome.open(scene, {
      factory: makeBuild(scene, { counter: 1, says: "none" }),
      config: { pull_stall_timeout_ms: 2_000, pull_rounds: 2 },
    });
    const [mirror] = home.mirrors;
    must(mirror !== undefined, "there is no mirror");
    let sentBytes = 0;
    mirror.misbehave = (wanted) => {
      if (wanted.body.length !== SLOW.length) return false;
      writeHonestHead(wanted);
      const drip = async (): Promise<void> => {
        for (let piece = 0; piece < PIECES_MAX; piece += 1) {
          const from = wanted.fromByte + piece * PIECE_BYTES;
          const bytes = wanted.body.subarray(from, from + PIECE_BYTES);
          sentBytes += bytes.length;
          if (from + PIECE_BYTES >= SLOW.length) return void wanted.response.end(bytes);
          wanted.response.write(bytes);
          // The line's own slowness, not a wait for anything.
          await sleep(REST_MS);
        }
        wanted.response.socket?.destroySoon();
      };
      drip().catch(() => wanted.response.destroy());
      return true;
    };
    const two = makeBuild(scene, { counter: 2, says: "none", files: { slow: SLOW } });
    home.offer(two);
    await home.committed(two);
    must(
      sentBytes < SLOW.length * 1.5,
      `${sentBytes} bytes were sent for ${SLOW.length}: cuts threw away what had come`,
    );
  },
};

export const readOnly: Failure = {
  name: "19 a file system that turned read-only stops updates, and nothing else",
  missing: noMounts,
  async run(scene) {
    const disk = mountSmallDisk(scene, "16m");
    const home = await OddHome.open(scene, {
      factory: makeBuild(scene, { counter: 1 }),
      dir: join(disk, "d"),
      config: { disk_reserve_bytes: 65_536 },
    });
    const workload = await home.box.workload();
    remount(disk, "ro");
    await home.box.killUpdater();
    home.box.switchOn();
    await home.nextAsks(2);
    const starts = home.box.startsIn("factory");
    const alive = (): void => {
      must(home.box.startsIn("factory") === starts, "the agent ended on a read-only file system");
      must(home.box.pidOf("workload") === workload, "the workload ended on a read-only file system");
    };
    const two = makeBuild(scene, { counter: 2 });
    home.offer(two);
    await until("the outcome", () => (alive(), home.outcomes.length > 0), MOVE_MS);
    const [outcome] = home.outcomes;
    must(
      outcome?.kind === OutcomeKind.FAILED && outcome.reason === FailureReason.DISK,
      `told as something else: ${outcome?.message}`,
    );
    await home.nextAsks(2, alive);
    remount(disk, "rw");
    await home.nudgedTo(two);
    must(home.box.pidOf("workload") === workload, "the workload was interrupted");
  },
};
