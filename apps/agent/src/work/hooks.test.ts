/** The supervisor with hooks, and with no workload at all. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { until } from "../testing/until.ts";
import { Device, TRIAL, serving } from "./testing/device.ts";

describe("a workload behind hooks", () => {
  it("is started, asked, told and stopped through them", async () => {
    const device = await new Device().prepare();
    const hooks = join(device.root, "work", "hooked", "hooks");
    const build = await device.build("hooked", "#!/bin/sh\necho start >> $CONTROL.calls\n", {
      kind: "hooks",
      hooks_dir: "hooks",
      ...TRIAL,
    });
    const agent = await device.agent();
    await device.store.placeTree(join(device.root, "work", "hooked"), build.parts);
    const hook = (name: string, script: string): void => {
      writeFileSync(join(hooks, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(hooks, name), 0o755);
    };
    hook("situation", `echo '{"state":"STATE_SERVING","capacityRps":7,"startedTotal":"5","shards":["s1"]}'`);
    hook("drain", `echo "drain $(cat)" >> $CONTROL.calls`);
    hook("restore", `echo "restore $(cat)" >> $CONTROL.calls`);
    hook("stop", `echo stop >> ${device.control}.calls`);
    await agent.supervisor.ensure(build);
    expect(await serving(agent)).toMatchObject({ startedTotal: 5n });
    expect(agent.supervisor.seen.report.capacityRps).toBe(7);
    agent.supervisor.drain(1_500);
    await until("a drain", () => device.calls.some((call) => /^drain \{"deadlineMs":1[0-9]{3}\}$/.test(call)));
    agent.supervisor.restore(["s1"]);
    await until("a restore", () => device.calls.includes('restore {"shards":["s1"]}'));
    agent.supervisor.close();

    const next = await device.agent();
    await next.supervisor.ensure(build);
    await serving(next);
    expect(device.calls.filter((call) => call === "start")).toHaveLength(1);
    // Another build's workload takes its place, as after a fallback: the old one is stopped through its own hook.
    next.supervisor.close();
    const other = await device.agent();
    await other.supervisor.ensure(await device.program("one"));
    expect(device.calls.filter((call) => call === "stop")).toHaveLength(1);
  });
});

describe("no workload", () => {
  it("is a valid case, and says so at once", async () => {
    const device = await new Device().prepare();
    const agent = await device.agent();
    await agent.supervisor.ensure({ identity: "none", workload: { kind: "none", ...TRIAL }, parts: [] });
    expect(agent.supervisor.seen.view).toMatchObject({ state: "NONE", answering: true, told: true, exits: 0 });
    agent.supervisor.drain(1_000);
    await until("being told", () => agent.supervisor.seen.view.told);
    await agent.supervisor.stop();
  });
});
