/** Who becomes a node, and how often one may: Sybils, and keys that were copied. */
import { TestDevice, WORKING } from "../../../apps/coordinator/src/testing/device.ts";
import { Decision, Reason } from "@moult/contracts/v1";
import { type Attack, must } from "../harness/attack.ts";
import { Fort, refusal } from "../harness/fort.ts";
import { releaseToAll } from "../harness/release.ts";

const USES = 3;
const CROWD = 20;
const HOUR_MS = 3_600_000;

const quantity: Attack = {
  row: "Sybil enrolment",
  name: "a crowd that comes at once with one token enrols as many as the token allows, before and after kill -9",
  async run(scene) {
    const fort = await Fort.open(scene);
    const token = await fort.token("home", { uses: USES });
    const crowd = Array.from({ length: CROWD }, () => new TestDevice(fort.clients));
    const tried = await Promise.allSettled(crowd.map((device) => device.enrol(token)));
    const enrolled = tried.filter(({ status }) => status === "fulfilled").length;
    must(enrolled === USES, `${enrolled} devices enrolled with a token for ${USES}`);
    await fort.end();
    await fort.start();
    const code = await refusal(new TestDevice(fort.clients).enrol(token), "a token that was used up enrolled again");
    must(code === "UNAUTHENTICATED TOKEN_USED_UP", `refused as ${code}`);
    const { nodes } = await fort.clients.fleet.listNodes({}, fort.clients.viewer);
    must(nodes.length === USES, `${nodes.length} nodes of a token for ${USES}`);
  },
  mutants: [
    {
      defence: "a token has so many uses and no more",
      of: "coordinator",
      patches: [{ file: "identity/enrollment.ts", from: 'if (token.usesLeft <= 0) return "TOKEN_USED_UP";', to: "" }],
      caught: /20 devices enrolled with a token for 3/,
    },
    {
      defence: "a use is taken off before the next device is looked at",
      of: "coordinator",
      patches: [{ file: "identity/enrollment.ts", from: "this.#byHash.set(used.tokenHash, used);", to: "" }],
      caught: /devices enrolled with a token for 3/,
    },
  ],
};

const date: Attack = {
  row: "Sybil enrolment",
  name: "a token that was guessed, has expired or was revoked enrols nobody",
  async run(scene) {
    const fort = await Fort.open(scene, { leapMs: 2 * HOUR_MS });
    const { fleet, operator } = fort.clients;
    const enrol = (token: string): Promise<unknown> => new TestDevice(fort.clients).enrol(token);
    const guess = await refusal(enrol("guessed"), "a guessed token enrolled a device");
    must(guess === "UNAUTHENTICATED TOKEN_UNKNOWN", `refused as ${guess}`);
    const revoked = await fort.token();
    const { enrollmentTokens: tokens } = await fleet.listEnrollmentTokens({}, operator);
    await fleet.revokeEnrollmentToken({ name: tokens[0]?.name ?? "" }, operator);
    const ended = await refusal(enrol(revoked), "a revoked token enrolled a device");
    must(ended === "UNAUTHENTICATED TOKEN_EXPIRED", `refused as ${ended}`);
    const token = await fort.token("home", { ttlS: 3600 });
    await enrol(token);
    await fort.leap();
    const late = await refusal(enrol(token), "an expired token enrolled a device");
    must(late === "UNAUTHENTICATED TOKEN_EXPIRED", `refused as ${late}`);
  },
  mutants: [
    {
      defence: "a token has a date",
      of: "coordinator",
      patches: [
        { file: "identity/enrollment.ts", from: 'if (token.expiresAtMs <= now) return "TOKEN_EXPIRED";', to: "" },
      ],
      caught: /a revoked token enrolled a device/,
    },
  ],
};

/** Longer than any message is under way: what comes later is no late word of the boot before. */
const TURN_MS = 61_000;
const TURNS = 6;

const clone: Attack = {
  row: "cloned device key",
  name: "two devices with one key are found when they speak by turns, and neither moves",
  async run(scene) {
    const fort = await Fort.open(scene, { leapMs: TURN_MS, config: { session_ttl_ms: 24 * HOUR_MS } });
    const company = await fort.company();
    const build = await releaseToAll(fort);
    const device = await fort.device();
    const copy = new TestDevice(fort.clients, device.key);
    await copy.openSession();
    for (let turn = 0; turn < TURNS; turn += 1) {
      await (turn % 2 === 0 ? device : copy).pulse();
      await fort.leap();
    }
    for (const one of company) await one.pulse({ ...WORKING, capacityRps: 1000, loadRps: 0 });
    const asked = await copy.ask({ stagedDigest: build.digest });
    must(asked.decision === Decision.STAY, "a cloned key was let go");
    const reasons = asked.gates.map(({ reason }) => reason);
    must(reasons.includes(Reason.QUARANTINED), `kept for another reason: ${asked.message}`);
    const { nodes } = await fort.clients.fleet.listNodes({}, fort.clients.viewer);
    const seen = nodes.find(({ name }) => name === device.node);
    must(seen?.quarantine !== undefined, "nobody can see the quarantine");
  },
  mutants: [
    {
      defence: "one key that speaks from two boots by turns is quarantined",
      of: "coordinator",
      patches: [
        {
          file: "ledger/clone.ts",
          from: "if (returns < RETURNS_MIN || node.quarantine !== undefined) return NOTHING;",
          to: "if (returns > 0) return NOTHING;",
        },
      ],
      caught: /a cloned key was let go|kept for another reason/,
    },
    {
      defence: "a node in quarantine is let go by no gate",
      of: "coordinator",
      patches: [
        { file: "gates/dial.ts", from: "if (quarantine !== undefined) return", to: 'if (quarantine === "") return' },
      ],
      caught: /a cloned key was let go/,
    },
  ],
};

export const enrolment: readonly Attack[] = [quantity, date, clone];
