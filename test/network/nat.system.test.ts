/**
 * Behind a stranger's router: real coordinators and agents in network namespaces, with a NAT between them that forgets a
 * quiet connection. By default everything is ten times as fast as in a home; MOULT_DEEP=1 takes the real figures: a router
 * that forgets after 30 s, the agent's default keepalive, and 90 s of silence.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../demo/harness/until.ts";
import { FIRST, Lab, NAME, SECOND, labMissing } from "./lab.ts";
import { type Program, Programs } from "./programs.ts";

const DEEP = process.env["MOULT_DEEP"] === "1";
const NAT_S = DEEP ? 30 : 3;
const SILENCE_MS = DEEP ? 90_000 : 2.2 * NAT_S * 1_000;
const PULSE_MS = Math.ceil(SILENCE_MS * 1.2);
/** The signs of life keep the router's memory; how long one may stay unanswered is no matter for it, and a busy machine is slow. */
const KEEPALIVE = DEEP ? {} : { keepalive_interval_ms: 1_000, keepalive_timeout_ms: 5_000 };
const RECONNECT_MS = DEEP ? 30_000 : 500;
const QUICK = { pulse_interval_ms: PULSE_MS, reconnect_max_ms: RECONNECT_MS, ...KEEPALIVE };
/** Until a dead connection has been noticed: one interval, its timeout, and a margin for a busy machine. */
const NOTICED_MS = DEEP ? 45_000 : 12_000;
/** Until there is a stream again: noticed, and then up to ten windows of waiting. */
const BACK_MS = NOTICED_MS + 10 * RECONNECT_MS;
/** Until a nudge that was sent is heard and asked after; a busy machine is slow. */
const SOON_MS = 15_000;
const OPEN = "the stream is open";
const CLOSED = /^the stream ended/;

const missing = labMissing();
if (missing !== undefined) process.stderr.write(`test/network is skipped: ${missing}\n`);

describe.skipIf(missing !== undefined)(
  "behind a router whose mappings die",
  { timeout: DEEP ? 900_000 : 120_000 },
  () => {
    let lab: Lab;
    let programs: Programs;
    let first: Program;
    const devices: Record<string, Program> = {};
    const device = (name: string): Program => devices[name] as Program;

    beforeAll(
      async () => {
        lab = Lab.build(NAT_S);
        programs = new Programs(lab);
        await programs.prepare();
        first = await programs.coordinator("first");
        const one = [`${FIRST}:7443`];
        devices["home"] = await programs.agent("home", "home", { coordinators: one, ...QUICK });
        devices["mute"] = await programs.agent("home", "mute", {
          coordinators: one,
          ...QUICK,
          keepalive_interval_ms: 3_600_000,
        });
        devices["unary"] = await programs.agent("home", "unary", {
          coordinators: one,
          ...QUICK,
          attend: false,
          wake_interval_ms: 2_000,
        });
        devices["ip6"] = await programs.agent("home6", "ip6", { coordinators: [`${NAME}:7443`], ...QUICK });
        await Promise.all(
          ["home", "mute", "ip6"].map((name) => happens(name, PULSE_MS + 20_000, () => device(name).count(OPEN) > 0)),
        );
      },
      DEEP ? 300_000 : 120_000,
    );

    afterAll(async () => {
      await programs?.close();
      lab?.demolish();
    });

    async function happens(name: string, withinMs: number, holds: () => boolean): Promise<void> {
      try {
        await until(`it happens to ${name}`, withinMs, holds);
      } catch (error) {
        throw new Error(`${String(error)}; ${name} has logged:\n${devices[name]?.tail ?? ""}`, { cause: error });
      }
    }

    /**
     * Waits until the coordinator has heard from the device since this began its latest stream. A device says that a stream is
     * open when it has asked for one; the pulse that it then sends is there only once the stream is, and is heard.
     */
    async function attends(name: string, withinMs: number, which: "first" | "second" = "first"): Promise<void> {
      let heardAt = "never";
      const heard = async (): Promise<boolean> => {
        const open = device(name).lines.findLast(({ msg }) => msg === OPEN);
        if (open === undefined) return false;
        const { nodes = [] } = JSON.parse(await programs.moult(["fleet", "get", "nodes", "-o", "json"], which)) as {
          readonly nodes?: readonly { readonly name: string; readonly reportTime?: string }[];
        };
        heardAt = nodes.find((node) => node.name === open["node"])?.reportTime ?? "never";
        return Date.parse(heardAt) >= Number(open["time"]);
      };
      await until(`the ${which} coordinator attends to ${name}`, withinMs, heard).catch((error: unknown) => {
        throw new Error(`${String(error)}; heard last: ${heardAt}; ${name} has logged:\n${device(name).tail}`);
      });
    }

    /** Nudges everybody, once: these devices ask. */
    async function nudge(names: readonly string[], which: "first" | "second" = "first"): Promise<void> {
      const before = names.map((name) => device(name).count("verdict"));
      await programs.moult(["nudge"], which);
      await Promise.all(
        names.map((name, i) => happens(name, SOON_MS, () => device(name).count("verdict") > (before[i] ?? 0))),
      );
    }

    const ends = (name: string): number => device(name).lines.filter(({ msg }) => CLOSED.test(msg)).length;

    it("asks without a stream, over a connection that is closed afterwards", async () => {
      await happens("unary", 15_000, () => device("unary").count("verdict") > 0);
      expect(device("unary").count(OPEN)).toBe(0);
    });

    it("hears a nudge after a long silence, also where there is IPv6 alone", async () => {
      for (const name of ["home", "ip6"]) await attends(name, SOON_MS);
      await nudge(["home", "ip6"]);
      const streams = device("home").count(OPEN);
      // The silence is the point: nothing is waited for.
      await sleep(SILENCE_MS);
      const asked = device("mute").count("verdict");
      await nudge(["home", "ip6"]);
      expect(device("home").count(OPEN)).toBe(streams);
      // The router is a real one: who gives no sign of life is cut off. (The coordinator's own signs come every 25 s.)
      if (!DEEP) expect(device("mute").count("verdict")).toBe(asked);
    });

    it("notices within bounds that the router has forgotten everything, and comes back", async () => {
      const streams = device("home").count(OPEN);
      lab.redial();
      await happens("home", NOTICED_MS, () => ends("home") > 0);
      await happens("home", BACK_MS, () => device("home").count(OPEN) > streams);
      await attends("home", BACK_MS);
      await nudge(["home"]);
    });

    it("survives a time in which nothing passes and nobody is told", async () => {
      const [streams, ended] = [device("home").count(OPEN), ends("home")];
      lab.blackhole();
      await happens("home", NOTICED_MS, () => ends("home") > ended);
      lab.heal();
      await happens("home", BACK_MS + 15_000, () => device("home").count(OPEN) > streams);
      await attends("home", BACK_MS);
      await nudge(["home"]);
      expect(device("home").runs).toBe(true);
    });

    it("goes on with the second coordinator when the first is killed", async () => {
      await programs.coordinator("second");
      devices["both"] = await programs.agent("home", "both", {
        coordinators: [`${FIRST}:7443`, `${SECOND}:7444`],
        ...QUICK,
        pulse_interval_ms: 1_000,
      });
      await happens("both", 20_000, () => device("both").count("verdict") > 0 && device("both").count(OPEN) > 0);
      await first.kill();
      await attends("both", BACK_MS + 10_000, "second");
      await nudge(["both"], "second");
    });
  },
);
