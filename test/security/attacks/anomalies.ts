/** What looks wrong raises an event that everybody sees who may look; a program that raises none would be found out. */
import { EventKind } from "@moult/contracts/v1";
import { TestDevice, digestFor } from "../../../apps/coordinator/src/testing/device.ts";
import { until } from "../../../apps/coordinator/src/testing/wait.ts";
import { type Attack, type Mutant, must } from "../harness/attack.ts";
import { Fort, refusal } from "../harness/fort.ts";
import { releaseToAll } from "../harness/release.ts";
import { BEYOND } from "../harness/rows.ts";

/** More asks than a move with its retries explains. */
const STORM = 25;
/** More wrong credentials than a router with many boxes behind it has. */
const GUESSES = 12;

const raised: Attack = {
  row: BEYOND,
  name: "asks from a denied or unknown build, two asks with one number, a storm, guessed tokens and a dial turned twice raise events",
  async run(scene) {
    const fort = await Fort.open(scene);
    const build = await releaseToAll(fort);
    const { agent, fleet, rollout, operator, viewer } = fort.clients;
    const known = { runningDigest: build.digest, runningVersion: "2.0.0", runningReleaseCounter: 2n };
    const [denier, odd, forked, stormy] = [
      await fort.device(),
      await fort.device(),
      await fort.device(),
      await fort.device(),
    ];
    await denier.ask({ ...known, deniedDigests: [build.digest] });
    await odd.ask({ runningDigest: digestFor("odd") });
    const twice = forked.askRequest(known);
    await agent.ask(twice, forked.session);
    await agent.ask({ ...twice, askId: "another" }, forked.session);
    for (let nth = 0; nth < STORM; nth += 1) await stormy.ask(known);
    for (let nth = 0; nth < GUESSES; nth += 1) {
      await refusal(fleet.listPools({}, { bearer: `guess-${nth}`, timeoutMs: 10_000 }), "a guessed token was taken");
    }
    const dial = { release: "releases/2.0.0", setting: { case: "nobody" as const, value: {} } };
    await rollout.setDial({ dial }, operator);
    const idOf = ({ node }: TestDevice): string => node.slice("nodes/".length);
    const wanted: readonly (readonly [kind: EventKind, subject: string])[] = [
      [EventKind.DENIED_DIGEST, idOf(denier)],
      [EventKind.UNKNOWN_DIGEST, digestFor("odd")],
      [EventKind.SEQUENCE_FORK, idOf(forked)],
      [EventKind.ASK_STORM, idOf(stormy)],
      [EventKind.AUTHENTICATION_FAILURES, "127.0.0.1"],
      [EventKind.DIAL_TURNED_TWICE, "2.0.0"],
    ];
    const seen = async (): Promise<readonly string[]> =>
      (await fleet.listEvents({ pageSize: 1000 }, viewer)).events.map(({ kind, subject }) => `${kind} ${subject}`);
    for (const [kind, subject] of wanted) {
      must((await seen()).includes(`${kind} ${subject}`), `no event ${EventKind[kind]}`);
    }
    await fort.end();
    await fort.start();
    const after = await until("the events of before kill -9", async () => {
      const { events } = await fort.clients.fleet.listEvents({ pageSize: 1000 }, fort.clients.viewer);
      return events.length >= wanted.length ? events : undefined;
    });
    must(
      after.every(({ count }) => count >= 1),
      "an event counts nothing",
    );
  },
  mutants: [
    [
      "a denied build that runs is told",
      "if (denied) found.push",
      "if (denied && now < 0) found.push",
      "DENIED_DIGEST",
    ],
    ["a build that no list named is told", "if (unknown) {", "if (unknown && now < 0) {", "UNKNOWN_DIGEST"],
    ["two asks with one number are told", "if (fork !== undefined) found", "if (fork === '') found", "SEQUENCE_FORK"],
    ["a storm of asks is told", "if (soon) {", "if (soon && now < 0) {", "ASK_STORM"],
    [
      "a dial that is turned again at once is told",
      "if (before === undefined || now - before >= MINUTE_MS) return NOTHING;",
      "if (before !== 0) return NOTHING;",
      "DIAL_TURNED_TWICE",
    ],
  ].map(([defence = "", from = "", to = "", kind = ""]): Mutant => ({
    defence,
    of: "coordinator",
    patches: [{ file: "anomalies/rules.ts", from, to }],
    caught: new RegExp(`no event ${kind}`),
  })),
};

export const anomalies: readonly Attack[] = [raised];
