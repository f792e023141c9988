/** RolloutService: the dial, nudges, overrides and the brake. */
import { create } from "@bufbuild/protobuf";
import { type Implementation, formatName } from "@moult/contracts";
import {
  AttendResponseSchema,
  CreateOverrideRequestSchema,
  type CreateOverrideResponse,
  CreateOverrideResponseSchema,
  DeleteOverrideResponseSchema,
  EngageBrakeResponseSchema,
  GetBrakeResponseSchema,
  GetDialResponseSchema,
  ListOverridesResponseSchema,
  NudgeNodesRequestSchema,
  type NudgeNodesResponse,
  NudgeNodesResponseSchema,
  ReleaseBrakeResponseSchema,
  type RolloutService,
  SetDialRequestSchema,
  type SetDialResponse,
  SetDialResponseSchema,
} from "@moult/contracts/v1";
import { type Brake, addOverride, endOverride, setBrake, setDial } from "@moult/policy";
import type { Move } from "../ledger/owner.ts";
import type { Word } from "../store/port.ts";
import { Fields } from "../wire/fields.ts";
import { readSignedOverride } from "../wire/override.ts";
import { readDial, writeBrake, writeDial, writeOverride } from "../wire/rollout.ts";
import { type Principal, operatorOf, wordOf } from "./access.ts";
import { brakeNotice } from "./agent-service.ts";
import { once } from "./once.ts";
import { type Parts, nodeOf, poolUnknown, releaseUnknown } from "./services.ts";

/** Nodes that one nudge may name. */
const NUDGED_MAX = 10_000;

const SET_DIAL = { input: SetDialRequestSchema, output: SetDialResponseSchema };
const NUDGE = { input: NudgeNodesRequestSchema, output: NudgeNodesResponseSchema };
const CREATE_OVERRIDE = { input: CreateOverrideRequestSchema, output: CreateOverrideResponseSchema };

/** The service. */
export function createRolloutService(parts: Parts): Implementation<typeof RolloutService, Principal> {
  const { owner, requests, random, clock } = parts;

  const turnBrake = async (engaged: boolean, given: string, word: Word): Promise<Brake> => {
    const fields = new Fields();
    const reason = fields.text(given.trim(), "reason", { min: 1, max: 512 });
    fields.done();
    const brake = await owner.decide((ledger, now) => setBrake(ledger, engaged, reason, now), word);
    parts.log.warn({ engaged, reason, by: word.by }, "the brake was turned");
    parts.notices.send("brake", brakeNotice(parts, parts.trust.current));
    return brake;
  };

  return {
    async getDial(request) {
      const version = readId("releases", request.release, "release");
      const { ledger } = owner;
      const release = ledger.releases.find((known) => known.version === version);
      if (release === undefined) throw releaseUnknown(version);
      const dial = ledger.dials.get(version) ?? {
        version,
        setting: { kind: "nobody" as const },
        updatedAtMs: release.createdAtMs,
      };
      return create(GetDialResponseSchema, { dial: writeDial(dial) });
    },

    async setDial(request, call) {
      const { version, setting, deadlineAtMs } = readDial(request.dial);
      const turn: Move<SetDialResponse> = (ledger, now) => {
        const step = setDial(ledger, version, setting, now, deadlineAtMs);
        if (step.answer === "UNKNOWN") throw releaseUnknown(version);
        if (step.changes.length > 0) parts.anomalies.see({ kind: "dial", version });
        return { ...step, answer: create(SetDialResponseSchema, { dial: writeDial(step.answer) }) };
      };
      const response = await owner.decide(once(requests, SET_DIAL, request, turn), wordOf(call));
      parts.log.info({ release: version, setting: setting.kind }, "the dial was turned");
      return response;
    },

    async nudgeNodes(request) {
      const fields = new Fields();
      fields.check(request.nodes.length <= NUDGED_MAX, "nodes", `at most ${NUDGED_MAX}`);
      const nodeIds = new Set(request.nodes.slice(0, NUDGED_MAX).map((name) => fields.id("nodes", name, "nodes")));
      const version = fields.id("releases", request.release, "release", { optional: true });
      fields.done();
      const release = version === "" ? "" : formatName("releases", version);
      const nudge = create(AttendResponseSchema, { message: { case: "nudge", value: { release } } });
      // Sent before it is remembered: a nudge changes no answer, so one too many does no harm.
      const send: Move<NudgeNodesResponse> = (ledger) => {
        for (const nodeId of nodeIds) nodeOf(parts, nodeId);
        const told = parts.notices.send("nudge", nudge, (nodeId) => nodeIds.size === 0 || nodeIds.has(nodeId));
        parts.anomalies.see({ kind: "nudge" });
        const meant = nodeIds.size === 0 ? ledger.nodes.size : nodeIds.size;
        return { answer: create(NudgeNodesResponseSchema, { told: told.size, meant }), changes: [], effects: [] };
      };
      return owner.decide(once(requests, NUDGE, request, send));
    },

    async createOverride(request, call) {
      const { overrideKeys } = operatorOf(call);
      const signed = readSignedOverride(request, { network: parts.network, keys: overrideKeys, now: clock.now() });
      const add: Move<CreateOverrideResponse> = (ledger) => {
        const override = { ...signed.override, overrideId: random.uuid() };
        if (!ledger.pools.has(override.poolId)) throw poolUnknown(override.poolId);
        for (const nodeId of override.nodeIds) nodeOf(parts, nodeId);
        const step = addOverride(ledger, override);
        return { ...step, answer: create(CreateOverrideResponseSchema, { override: writeOverride(step.answer) }) };
      };
      // A statement takes effect once, whoever hands it in again: its digest is remembered like a request's id.
      const byStatement = once(requests, CREATE_OVERRIDE, { ...request, requestId: signed.digest }, add);
      const word = { ...wordOf(call), statement: Buffer.from(request.statement).toString("base64") };
      const response = await owner.decide(once(requests, CREATE_OVERRIDE, request, byStatement), word);
      const { name, reason } = response.override ?? {};
      parts.log.warn({ override: name, reason, by: word.by }, "gate 3 is overridden");
      return response;
    },

    async listOverrides() {
      const overrides = [...owner.ledger.overrides.values()].map(writeOverride);
      return create(ListOverridesResponseSchema, { overrides });
    },

    async deleteOverride(request, call) {
      const overrideId = readId("overrides", request.name, "name");
      await owner.decide((ledger) => endOverride(ledger, overrideId), wordOf(call));
      return create(DeleteOverrideResponseSchema);
    },

    async getBrake() {
      return create(GetBrakeResponseSchema, { brake: writeBrake(owner.ledger.brake) });
    },

    async engageBrake(request, call) {
      const brake = await turnBrake(true, request.reason, wordOf(call));
      return create(EngageBrakeResponseSchema, { brake: writeBrake(brake) });
    },

    async releaseBrake(request, call) {
      const brake = await turnBrake(false, request.reason, wordOf(call));
      return create(ReleaseBrakeResponseSchema, { brake: writeBrake(brake) });
    },
  };
}

function readId(collection: "releases" | "overrides", name: string, field: string): string {
  const fields = new Fields();
  const id = fields.id(collection, name, field);
  fields.done();
  return id;
}
