/** RolloutService: the dial, nudges, overrides and the brake. */
import { create } from "@bufbuild/protobuf";
import { type Implementation, formatName } from "@moult/contracts";
import {
  AttendResponseSchema,
  CreateOverrideRequestSchema,
  CreateOverrideResponseSchema,
  DeleteOverrideResponseSchema,
  EngageBrakeResponseSchema,
  GetBrakeResponseSchema,
  GetDialResponseSchema,
  ListOverridesResponseSchema,
  NudgeNodesRequestSchema,
  NudgeNodesResponseSchema,
  ReleaseBrakeResponseSchema,
  type RolloutService,
  SetDialRequestSchema,
  SetDialResponseSchema,
} from "@moult/contracts/v1";
import { type Brake, addOverride, endOverride, setBrake, setDial } from "@moult/policy";
import { Fields } from "../wire/fields.ts";
import { readDial, readOverride, writeBrake, writeDial, writeOverride } from "../wire/rollout.ts";
import type { Principal } from "./access.ts";
import { brakeNotice } from "./agent-service.ts";
import { type Parts, answer, releaseUnknown } from "./services.ts";

/** Nodes that one nudge may name. */
const NUDGED_MAX = 10_000;

/** The service. */
export function createRolloutService(parts: Parts): Implementation<typeof RolloutService, Principal> {
  const { owner, requests, random } = parts;

  const turnBrake = (engaged: boolean, given: string): Promise<Brake> =>
    answer(async () => {
      const fields = new Fields();
      const reason = fields.text(given.trim(), "reason", { min: 1, max: 512 });
      fields.done();
      const brake = await owner.decide((ledger, now) => setBrake(ledger, engaged, reason, now));
      parts.log.warn({ engaged, reason }, "the brake was turned");
      parts.notices.send("brake", brakeNotice(brake.engaged, brake.reason));
      return brake;
    });

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

    setDial: (request) =>
      answer(async () => {
        const { version, setting } = readDial(request.dial);
        const first = requests().recall(request.requestId, SetDialRequestSchema, request, SetDialResponseSchema);
        if (first !== undefined) return first;
        const response = await owner.decide((ledger, now) => {
          const step = setDial(ledger, version, setting, now);
          if (step.answer === "UNKNOWN") throw releaseUnknown(version);
          const reply = create(SetDialResponseSchema, { dial: writeDial(step.answer) });
          const id = request.requestId;
          const kept = requests().keep(id, SetDialRequestSchema, request, SetDialResponseSchema, reply, now);
          return { answer: reply, changes: [...step.changes, ...kept], effects: [] };
        });
        parts.log.info({ release: version, setting: setting.kind }, "the dial was turned");
        return response;
      }),

    async nudgeNodes(request) {
      const fields = new Fields();
      fields.check(request.nodes.length <= NUDGED_MAX, "nodes", `at most ${NUDGED_MAX}`);
      const nodeIds = new Set(request.nodes.slice(0, NUDGED_MAX).map((name) => fields.id("nodes", name, "nodes")));
      const version = fields.id("releases", request.release, "release", { optional: true });
      fields.done();
      const first = requests().recall(request.requestId, NudgeNodesRequestSchema, request, NudgeNodesResponseSchema);
      if (first !== undefined) return first;
      const release = version === "" ? "" : formatName("releases", version);
      const nudge = create(AttendResponseSchema, { message: { case: "nudge", value: { release } } });
      const told = parts.notices.send("nudge", nudge, (nodeId) => nodeIds.size === 0 || nodeIds.has(nodeId));
      const meant = nodeIds.size === 0 ? owner.ledger.nodes.size : nodeIds.size;
      return create(NudgeNodesResponseSchema, { told: told.size, meant });
    },

    createOverride: (request) =>
      answer(async () => {
        const schema = CreateOverrideRequestSchema;
        const first = requests().recall(request.requestId, schema, request, CreateOverrideResponseSchema);
        if (first !== undefined) return first;
        const response = await owner.decide((ledger, now) => {
          const override = readOverride(request, random.uuid(), now);
          const step = addOverride(ledger, override);
          const reply = create(CreateOverrideResponseSchema, { override: writeOverride(step.answer) });
          const kept = requests().keep(request.requestId, schema, request, CreateOverrideResponseSchema, reply, now);
          return { answer: reply, changes: [...step.changes, ...kept], effects: [] };
        });
        parts.log.warn(
          { override: response.override?.name, reason: response.override?.reason },
          "gate 3 is overridden",
        );
        return response;
      }),

    async listOverrides() {
      const overrides = [...owner.ledger.overrides.values()].map(writeOverride);
      return create(ListOverridesResponseSchema, { overrides });
    },

    deleteOverride: (request) =>
      answer(async () => {
        const overrideId = readId("overrides", request.name, "name");
        await owner.decide((ledger) => endOverride(ledger, overrideId));
        return create(DeleteOverrideResponseSchema);
      }),

    async getBrake() {
      return create(GetBrakeResponseSchema, { brake: writeBrake(owner.ledger.brake) });
    },

    async engageBrake(request) {
      const brake = await turnBrake(true, request.reason);
      return create(EngageBrakeResponseSchema, { brake: writeBrake(brake) });
    },

    async releaseBrake(request) {
      const brake = await turnBrake(false, request.reason);
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
