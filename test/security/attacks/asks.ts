/** What a node can do to others with words alone: asks said again, and loads that are lies. */
import { Decision, OutcomeKind, PermitPhase, Reason } from "@moult/contracts/v1";
import { type TestDevice, WORKING } from "../../../apps/coordinator/src/testing/device.ts";
import { type Attack, must } from "../harness/attack.ts";
import { Fort } from "../harness/fort.ts";
import { releaseToAll } from "../harness/release.ts";

const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;

const replayed: Attack = {
  row: "replayed ask",
  name: "an ask said again, at once or after the move, is granted no second permit",
  async run(scene) {
    const fort = await Fort.open(scene);
    await fort.company();
    const build = await releaseToAll(fort);
    const device = await fort.device();
    const { agent } = fort.clients;
    const recorded = device.askRequest({ stagedDigest: build.digest });
    const say = async (): Promise<ReturnType<TestDevice["ask"]>> => {
      const { verdict } = await agent.ask(recorded, device.session);
      must(verdict !== undefined, "an answer without a verdict");
      return verdict;
    };
    const answers = await Promise.all([say(), say(), say(), say()]);
    const permits = new Set(answers.map(({ permit }) => permit?.permitId));
    must(permits.size === 1 && answers[0].decision === Decision.GO, "one ask said four times has several permits");
    const [permitId = ""] = permits;
    const away = { stagedDigest: build.digest, permitId, drained: true };
    const gone = await device.ask(away);
    must(gone.permit?.phase === PermitPhase.AWAY, `not away: ${gone.message}`);
    const running = { runningDigest: build.digest, runningVersion: "2.0.0", runningReleaseCounter: 2n };
    await device.report({
      case: "progress",
      value: { permitId, phase: PermitPhase.RETURNED, situation: WORKING, runningDigest: build.digest },
    });
    await device.report({
      case: "outcome",
      value: { permitId, kind: OutcomeKind.COMMITTED, targetDigest: build.digest, situation: WORKING, ...running },
    });
    const late = await say();
    must(late.decision === Decision.STAY, "an ask from before the move was granted a permit after it");
    const { nodes } = await fort.clients.fleet.listNodes({}, fort.clients.viewer);
    const seen = nodes.find(({ name }) => name === device.node);
    must(seen?.version === "2.0.0", "an ask from before the move changed what the node is known to run");
  },
  mutants: [
    {
      defence: "a late copy of an ask has no effect",
      of: "coordinator",
      patches: [
        {
          file: "ledger/situation.ts",
          from: "if (node.bootId === origin.bootId) return origin.sequence < node.orderedSequence;",
          to: "if (node.bootId === origin.bootId) return false;",
        },
      ],
      caught: /from before the move/,
    },
    {
      defence: "who holds a permit is given no other one",
      of: "coordinator",
      patches: [
        {
          file: "ledger/ask.ts",
          from: "if (permit !== undefined) return judgeHolder(ledger, input, permit, event, now, changes);",
          to: "",
        },
      ],
      caught: /several permits|not away/,
    },
  ],
};

/** Every node of the victim's pool carries so much, and can carry little more: none of them can be spared. */
const TIGHT = { ...WORKING, capacityRps: 100, loadRps: 95 };

const otherPool: Attack = {
  row: "forged load",
  name: "what a pool's nodes say of themselves opens no other pool's gate",
  async run(scene) {
    const fort = await Fort.open(scene);
    const build = await releaseToAll(fort);
    const honest = await fort.company("home");
    for (const device of honest) await device.pulse(TIGHT);
    for (const liar of await fort.company("evil")) {
      await liar.pulse({ ...WORKING, capacityRps: 1_000_000, loadRps: 0, endpoint: "" });
    }
    for (const device of honest) {
      const verdict = await device.ask({ stagedDigest: build.digest, situation: TIGHT });
      must(verdict.decision === Decision.STAY, "a liar in another pool let a node go that nobody can spare");
    }
  },
  mutants: [
    {
      defence: "pools are weighed apart",
      of: "coordinator",
      patches: [
        {
          file: "ledger/ledger.ts",
          from: "export function poolOf(ledger: Ledger, poolId: string): Pool {",
          to: "export function poolOf(ledger: Ledger, _: string): Pool {\n  const poolId = 'one';",
        },
      ],
      caught: /a liar in another pool/,
    },
  ],
};

const CROWD = 12;

const ownPool: Attack = {
  row: "forged load",
  name: "one node that claims boundless capacity lets no more of its own pool go than its absence could bear",
  async run(scene) {
    const fort = await Fort.open(scene);
    const build = await releaseToAll(fort);
    const honest = await fort.company("home", CROWD);
    for (const device of honest) await device.pulse(TIGHT);
    const liar = await fort.device("home");
    await liar.pulse({ ...WORKING, capacityRps: 1_000_000, loadRps: 0 });
    let gone = 0;
    for (const device of honest) {
      const verdict = await device.ask({ stagedDigest: build.digest, situation: TIGHT });
      if (verdict.decision === Decision.GO) gone += 1;
    }
    must(gone <= 1, `${gone} of ${CROWD} nodes were let go at once on one liar's word`);
  },
  mutants: [
    {
      defence: "a pool must bear the loss of its largest node",
      of: "coordinator",
      patches: [
        {
          file: "gates/weigh.ts",
          from: "const largest = pool.largestMilliWithout(member);",
          to: "const largest = 0;",
        },
      ],
      caught: /were let go at once/,
    },
  ],
};

const NODES = 5;

const starving: Attack = {
  row: "starving one node",
  name: "a node that is never let go is told so within a day, and everybody who looks can see it",
  async run(scene) {
    const fort = await Fort.open(scene, {
      leapMs: QUARTER_MS,
      config: { session_ttl_ms: DAY_MS, capacity: { report_fresh_ms: 2 * QUARTER_MS } },
    });
    const build = await releaseToAll(fort);
    const full = { ...WORKING, capacityRps: 10, loadRps: 9.5 };
    const devices: TestDevice[] = [];
    for (let n = 0; n < NODES; n += 1) {
      const device = await fort.device();
      await device.pulse(full);
      devices.push(device);
    }
    const [starved] = devices;
    must(starved !== undefined, "no node");
    const reasons = new Set<Reason>();
    for (let quarters = 0; quarters < 98 && !reasons.has(Reason.INFEASIBLE); quarters += 1) {
      if (quarters === 94) for (const device of devices) await device.openSession();
      for (const device of devices) await device.pulse(full);
      const verdict = await starved.ask({ stagedDigest: build.digest, situation: full });
      must(verdict.decision === Decision.STAY, "it was let go, so that nothing was tested");
      for (const gate of verdict.gates) if (!gate.passed) reasons.add(gate.reason);
      await fort.leap();
    }
    must(reasons.has(Reason.INFEASIBLE), "a node was kept for a day and nobody was told that no moment will do");
    for (const device of devices) await device.pulse(full);
    const { fleet, viewer } = fort.clients;
    const { gates } = await fleet.explainNode({ name: starved.node }, viewer);
    must(
      gates.some(({ reason }) => reason === Reason.INFEASIBLE),
      "who looks at the node does not see that it starves",
    );
  },
  mutants: [
    {
      defence: "waiting that has no end is told",
      of: "coordinator",
      patches: [
        {
          file: "gates/capacity.ts",
          from: 'reason: infeasible ? "INFEASIBLE" : "CAPACITY_SHORT"',
          to: 'reason: "CAPACITY_SHORT"',
        },
      ],
      caught: /nobody was told/,
    },
  ],
};

export const asks: readonly Attack[] = [replayed, otherPool, ownPool, starving];
