/** A device's word: who may speak as whom, with what signature, and for how long. */
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { generateKey, sign } from "@moult/trust";
import { TestDevice } from "../../../apps/coordinator/src/testing/device.ts";
import { type Attack, must } from "../harness/attack.ts";
import { Fort, refusal } from "../harness/fort.ts";
import { BEYOND } from "../harness/rows.ts";

const IN_TIME = { timeoutMs: 10_000 };
const LEAP_MS = 120_000;

const otherPurpose: Attack = {
  row: "cross-type or cross-network signature",
  name: "a device's signature that was made for something else opens no session",
  async run(scene) {
    const fort = await Fort.open(scene);
    const device = await fort.device();
    const { publicKey, privateKey } = device.key;
    const { agent } = fort.clients;
    const { challenge } = await agent.getChallenge({}, IN_TIME);
    const purposes = ["", "moult brake v1\0", "moult device proof v2\0", "moult device proof v1", "DSSEv1 "];
    for (const purpose of purposes) {
      const signature = sign(Buffer.concat([Buffer.from(purpose), challenge]), privateKey);
      const call = agent.openSession({ proof: { publicKey, challenge, signature } }, IN_TIME);
      const code = await refusal(call, `a signature for "${purpose}" opened a session`);
      must(code === "UNAUTHENTICATED SIGNATURE_INVALID", `refused as ${code}`);
    }
    await device.openSession();
  },
  mutants: [
    {
      defence: "a device's proof names its purpose",
      of: "coordinator",
      patches: [
        {
          file: "identity/device-proof.ts",
          from: "return verifyStrict(signature, Buffer.concat([PURPOSE, challenge]), publicKey);",
          to: "return verifyStrict(signature, Buffer.concat([PURPOSE, challenge]), publicKey) || verifyStrict(signature, challenge, publicKey);",
        },
      ],
      caught: /opened a session/,
    },
  ],
};

const otherNetwork: Attack = {
  row: "cross-type or cross-network signature",
  name: "a session of another network, signed with the same secret, is none here",
  async run(scene) {
    const there = await Fort.open(scene, { folder: sub(scene.root, "there"), config: { network: "other" } });
    // The same state folder copied: the worst that a careless operator does.
    const here = await Fort.open(scene, { folder: sub(scene.root, "here") });
    await here.end("SIGTERM");
    cpSync(join(there.stateDir, "session.key"), join(here.stateDir, "session.key"));
    await here.start();
    const key = generateKey();
    const [stranger, device] = [new TestDevice(there.clients, key), new TestDevice(here.clients, key)];
    for (const [fort, one] of [
      [there, stranger],
      [here, device],
    ] as const) {
      await one.enrol(await fort.token());
      await one.openSession();
    }
    const call = here.clients.agent.ask(device.askRequest(), { ...IN_TIME, bearer: stranger.token });
    const code = await refusal(call, "a session of another network was taken");
    must(code === "UNAUTHENTICATED CREDENTIALS_MISSING", `refused as ${code}`);
    await device.ask();
  },
  mutants: [
    {
      defence: "a session names its network",
      of: "coordinator",
      patches: [{ file: "identity/sessions.ts", from: "        audience: network,\n", to: "" }],
      caught: /a session of another network was taken/,
    },
  ],
};

const oldProof: Attack = {
  row: BEYOND,
  name: "a recorded proof opens no session once its minute is over, nor after a restart",
  async run(scene) {
    const fort = await Fort.open(scene, { leapMs: LEAP_MS });
    const device = await fort.device();
    const proof = await device.prove();
    const replay = (): Promise<unknown> => fort.clients.agent.openSession({ proof }, IN_TIME);
    await replay();
    await fort.leap();
    const late = await refusal(replay(), "a proof of two minutes ago opened a session");
    must(late === "UNAUTHENTICATED CHALLENGE_INVALID", `refused as ${late}`);
    const fresh = await device.prove();
    await fort.end();
    await fort.start();
    const after = fort.clients.agent.openSession({ proof: fresh }, IN_TIME);
    const code = await refusal(after, "a proof over a challenge from before the restart opened a session");
    must(code === "UNAUTHENTICATED CHALLENGE_INVALID", `refused as ${code}`);
  },
  mutants: [
    {
      defence: "a challenge lasts a minute",
      of: "coordinator",
      patches: [
        { file: "identity/challenge.ts", from: "return age >= 0 && age <= CHALLENGE_TTL_MS;", to: "return age >= 0;" },
      ],
      caught: /a proof of two minutes ago opened a session/,
    },
  ],
};

const ownChallenge: Attack = {
  row: BEYOND,
  name: "a challenge that the coordinator did not give is worth nothing, nor another device's signature",
  async run(scene) {
    const fort = await Fort.open(scene);
    const device = await fort.device();
    const { agent } = fort.clients;
    const { challenge } = await agent.getChallenge({}, IN_TIME);
    const changed = Uint8Array.from(challenge);
    changed[0] = (changed[0] ?? 0) ^ 1;
    for (const own of [changed, challenge.subarray(0, 16), new Uint8Array(56), new Uint8Array()]) {
      const code = await refusal(
        agent.openSession({ proof: device.proofOver(own) }, IN_TIME),
        "an own challenge was taken",
      );
      must(code === "UNAUTHENTICATED CHALLENGE_INVALID", `refused as ${code}`);
    }
    const other = new TestDevice(fort.clients);
    const { signature } = other.proofOver(challenge);
    const borrowed = { publicKey: device.key.publicKey, challenge, signature };
    const code = await refusal(agent.openSession({ proof: borrowed }, IN_TIME), "another key's signature was taken");
    must(code === "UNAUTHENTICATED SIGNATURE_INVALID", `refused as ${code}`);
  },
  mutants: [
    {
      defence: "a challenge carries the coordinator's seal",
      of: "coordinator",
      patches: [
        {
          file: "identity/challenge.ts",
          from: "if (!timingSafeEqual(seal(body), bytes.subarray(body.length))) return false;",
          to: "",
        },
      ],
      caught: /an own challenge was taken/,
    },
  ],
};

const forgedToken: Attack = {
  row: BEYOND,
  name: "a session token that was forged, changed or has ended lets nobody in",
  async run(scene) {
    const fort = await Fort.open(scene, { leapMs: LEAP_MS, config: { session_ttl_ms: 60_000 } });
    const device = await fort.device();
    const other = await fort.device();
    const { token } = device;
    const [head = "", body = "", seal = ""] = token.split(".");
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as object;
    const forged = [
      `${encoded({ alg: "none" })}.${body}.`,
      `${head}.${encoded({ ...claims, sub: other.node })}.${seal}`,
      `${head}.${encoded({ ...claims, exp: 9_999_999_999 })}.${seal}`,
      `${head}.${body}.${Buffer.alloc(32).toString("base64url")}`,
      `${head}.${body}`,
      token.slice(0, -4),
      "",
      "x".repeat(4_000),
    ];
    const ask = (bearer: string): Promise<unknown> =>
      fort.clients.agent.ask(device.askRequest(), { ...IN_TIME, bearer });
    for (const one of forged) {
      const code = await refusal(ask(one), `a forged token was taken: ${one.slice(0, 80)}`);
      must(code === "UNAUTHENTICATED CREDENTIALS_MISSING", `refused as ${code}`);
    }
    await ask(token);
    await fort.leap();
    const code = await refusal(ask(token), "a session that has ended was taken");
    must(code === "UNAUTHENTICATED SESSION_EXPIRED", `refused as ${code}`);
  },
  mutants: [
    {
      defence: "a session that is known ends all the same",
      of: "coordinator",
      patches: [
        { file: "identity/sessions.ts", from: "if (seen.endsAtMs > clock.now()) return seen;", to: "return seen;" },
      ],
      caught: /a session that has ended was taken/,
    },
  ],
};

const otherNode: Attack = {
  row: BEYOND,
  name: "a device speaks for no other node than its own",
  async run(scene) {
    const fort = await Fort.open(scene);
    const [device, victim] = [await fort.device(), await fort.device()];
    const { agent, fleet, viewer } = fort.clients;
    const calls = [
      agent.ask(device.askRequest({ node: victim.node }), device.session),
      agent.report(
        { ...device.reportRequest({ case: "pulse", value: { situation: { capacityRps: 1e6 } } }), node: victim.node },
        device.session,
      ),
    ];
    for (const call of calls) {
      const code = await refusal(call, "a device spoke for another node");
      must(code === "PERMISSION_DENIED NODE_MISMATCH", `refused as ${code}`);
    }
    const { nodes } = await fleet.listNodes({}, viewer);
    const { situation } = nodes.find(({ name }) => name === victim.node) ?? {};
    must((situation?.capacityRps ?? 0) < 1e6, "another node's word was counted");
  },
  mutants: [
    {
      defence: "a session is of one node",
      of: "coordinator",
      patches: [{ file: "rpc/agent-service.ts", from: "if (own === nodeId) return;", to: "if (own !== '') return;" }],
      caught: /a device spoke for another node/,
    },
  ],
};

function sub(root: string, name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  return folder;
}

export const sessions: readonly Attack[] = [otherPurpose, otherNetwork, oldProof, ownChallenge, forgedToken, otherNode];
