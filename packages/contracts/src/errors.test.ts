import { Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ErrorReason } from "../gen/moult/v1/errors_pb.js";
import { RpcError, readRpcError } from "./errors.ts";

const NOTHING = { reason: "", violations: [], retryAfterMs: undefined };

test("what a handler throws is what a client reads", () => {
  const reasons = Object.values(ErrorReason).filter((value) => typeof value === "number");
  const violation = fc.record({ field: fc.string(), description: fc.string() });
  fc.assert(
    fc.property(
      fc.constantFrom(...reasons),
      fc.string(),
      fc.array(violation, { maxLength: 5 }),
      fc.option(fc.integer({ min: 0, max: 86_400_000 }), { nil: undefined }),
      (reason, message, violations, retryAfterMs) => {
        const more = { violations, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
        const error = new RpcError(status.UNAVAILABLE, reason, message, more);
        expect(readRpcError(error)).toEqual({ reason: ErrorReason[reason], violations, retryAfterMs });
        expect(error.details).toBe(message);
      },
    ),
  );
});

test("errors of others are read as saying nothing", () => {
  expect(readRpcError("a string")).toEqual(NOTHING);
  expect(readRpcError(new Error("plain"))).toEqual(NOTHING);
  expect(readRpcError(Object.assign(new Error("bare"), { metadata: new Metadata() }))).toEqual(NOTHING);
  const garbled = new Metadata();
  garbled.set("grpc-status-details-bin", Buffer.from([0xff, 0xff, 0xff]));
  expect(readRpcError(Object.assign(new Error("garbled"), { metadata: garbled }))).toEqual(NOTHING);
});

test("a reason of another domain is not taken for one of ours", () => {
  const error = new RpcError(status.NOT_FOUND, ErrorReason.NODE_UNKNOWN, "no");
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  const text = Buffer.from(bytes as Buffer).toString("latin1");
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(text.replace("moult", "other"), "latin1"));
  expect(text).toContain("moult");
  expect(readRpcError(Object.assign(new Error("foreign"), { metadata }))).toEqual(NOTHING);
});
