import { expect, it } from "vitest";
import {
  StatementPayloadError,
  readBrakeStatement,
  readOverrideStatement,
  writeBrakeStatement,
  writeOverrideStatement,
} from "./statements.ts";

const brake = { network: "demo", issuedMs: 1_000, expiresMs: 61_000, body: { reason: "smoke" } };
const override = {
  ...brake,
  body: { pool: "home", nodes: ["n1"], reason: "a storm is coming", deficitMaxRps: 2.5, allowShardAndDomain: true },
};

it("reads what was written", () => {
  expect(readBrakeStatement(writeBrakeStatement(brake))).toEqual(brake);
  expect(readOverrideStatement(writeOverrideStatement(override))).toEqual(override);
});

it.each([
  ["no network", { ...brake, network: "" }],
  ["no reason", { ...brake, body: { reason: " " } }],
  ["an endless reason", { ...brake, body: { reason: "x".repeat(513) } }],
])("refuses a brake with %s", (_, said) => {
  expect(() => readBrakeStatement(writeBrakeStatement(said))).toThrow(StatementPayloadError);
});

it.each([
  ["no pool", { pool: "" }],
  ["a path for a node", { nodes: ["../etc"] }],
  ["no deficit", { deficitMaxRps: 0 }],
  ["an endless deficit", { deficitMaxRps: Number.POSITIVE_INFINITY }],
])("refuses an override with %s", (_, wrong) => {
  const said = { ...override, body: { ...override.body, ...wrong } };
  expect(() => readOverrideStatement(writeOverrideStatement(said))).toThrow(StatementPayloadError);
});

it("refuses bytes that are no message, and a message without times", () => {
  expect(() => readBrakeStatement(Uint8Array.of(0xff, 0xff))).toThrow(StatementPayloadError);
  expect(() => readBrakeStatement(new Uint8Array())).toThrow(StatementPayloadError);
});
