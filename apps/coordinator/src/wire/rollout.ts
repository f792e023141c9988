/** Dials, overrides and the brake between the contract and the core. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatName } from "@moult/contracts";
import type { BrakeSchema, Dial as DialMessage, DialSchema, OverrideSchema } from "@moult/contracts/v1";
import type { Brake, Dial, DialSetting, LabelSelector, Override } from "@moult/policy";
import { Fields } from "./fields.ts";
import { writeTime } from "./time.ts";

const NAMED_MAX = 10_000;
const SELECTORS_MAX = 100;
const REQUIREMENTS_MAX = 16;
const VALUES_MAX = 100;

/** Reads a dial. Throws INVALID_ARGUMENT. */
export function readDial(message: DialMessage | undefined): {
  readonly version: string;
  readonly setting: DialSetting;
  readonly deadlineAtMs: number | undefined;
} {
  const fields = new Fields();
  const dial = fields.present(message, "dial");
  const version = fields.id("releases", dial.release, "dial.release");
  const setting = readSetting(fields, dial);
  const deadlineAtMs = dial.deadlineTime && fields.time(dial.deadlineTime, "dial.deadline_time");
  fields.done();
  return { version, setting, deadlineAtMs };
}

function readSetting(fields: Fields, dial: DialMessage): DialSetting {
  switch (dial.setting.case) {
    case undefined:
    case "nobody":
      return { kind: "nobody" };
    case "everyone":
      return { kind: "everyone" };
    case "share":
      return {
        kind: "share",
        fraction: fields.number(dial.setting.value.fraction, "dial.share.fraction", { min: 0, max: 1 }),
      };
    case "named": {
      const { nodes, selectors } = dial.setting.value;
      fields.check(nodes.length <= NAMED_MAX, "dial.named.nodes", `at most ${NAMED_MAX}`);
      fields.check(selectors.length <= SELECTORS_MAX, "dial.named.selectors", `at most ${SELECTORS_MAX}`);
      return {
        kind: "named",
        nodes: new Set(nodes.slice(0, NAMED_MAX).map((name) => fields.id("nodes", name, "dial.named.nodes"))),
        selectors: selectors.slice(0, SELECTORS_MAX).map((selector): LabelSelector => {
          const { requirements } = selector;
          const at = "dial.named.selectors.requirements";
          const ok = requirements.length > 0 && requirements.length <= REQUIREMENTS_MAX;
          fields.check(ok, at, `1 to ${REQUIREMENTS_MAX}: an empty selector would name every node`);
          return requirements.slice(0, REQUIREMENTS_MAX).map(({ key, values }) => {
            fields.check(values.length > 0 && values.length <= VALUES_MAX, `${at}.values`, `1 to ${VALUES_MAX}`);
            return { key: fields.text(key, `${at}.key`, { min: 1, max: 63 }), values };
          });
        }),
      };
    }
  }
}

/** Writes a dial. */
export function writeDial(dial: Dial): MessageInitShape<typeof DialSchema> {
  return {
    release: formatName("releases", dial.version),
    setting: writeSetting(dial.setting),
    updateTime: writeTime(dial.updatedAtMs),
    ...(dial.deadlineAtMs !== undefined && { deadlineTime: writeTime(dial.deadlineAtMs) }),
  };
}

function writeSetting(setting: DialSetting): MessageInitShape<typeof DialSchema>["setting"] {
  switch (setting.kind) {
    case "nobody":
      return { case: "nobody", value: {} };
    case "everyone":
      return { case: "everyone", value: {} };
    case "share":
      return { case: "share", value: { fraction: setting.fraction } };
    case "named": {
      const nodes = [...setting.nodes].map((id) => formatName("nodes", id));
      const selectors = setting.selectors.map((selector) => ({
        requirements: selector.map(({ key, values }) => ({ key, values: [...values] })),
      }));
      return { case: "named", value: { nodes, selectors } };
    }
  }
}

/** Writes an override. */
export function writeOverride(override: Override): MessageInitShape<typeof OverrideSchema> {
  return {
    name: formatName("overrides", override.overrideId),
    pool: formatName("pools", override.poolId),
    nodes: override.nodeIds.map((id) => formatName("nodes", id)),
    reason: override.reason,
    deficitMaxRps: override.deficitMaxRps,
    allowShardAndDomain: override.allowShardAndDomain,
    expireTime: writeTime(override.expiresAtMs),
  };
}

/** Writes the brake. */
export function writeBrake(brake: Brake): MessageInitShape<typeof BrakeSchema> {
  return { engaged: brake.engaged, reason: brake.reason, updateTime: writeTime(brake.updatedAtMs) };
}
