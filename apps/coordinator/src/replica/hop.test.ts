import type { Metadata } from "@grpc/grpc-js";
import type { CallMetadata } from "@moult/contracts";
import { expect, test } from "vitest";
import { HOP_KEY, Hop } from "./hop.ts";
import { moveOf } from "./seating.ts";

/** What a server reads of it. */
function read(metadata: Metadata): CallMetadata {
  return { get: (name) => metadata.get(name)[0]?.toString() };
}

const ours = new Hop(Buffer.alloc(32, 1));

test("a call that is handed on says for whom, to those who share the secret and to nobody else", () => {
  const came = new Map([
    ["authorization", "Bearer t"],
    ["other", "stays"],
  ]);
  const caller = { peer: "192.0.2.1:7", certificate: Buffer.from([0, 255]) };
  const along = ours.write(came, caller);
  expect(along.get("authorization")).toEqual(["Bearer t"]);
  expect(along.get("other")).toEqual([]);
  expect(ours.read(read(along))).toEqual(caller);
  expect(new Hop(Buffer.alloc(32, 2)).read(read(along))).toBeUndefined();
  expect(ours.read(came)).toBeUndefined();
  came.set("moult-peer", "198.51.100.1:1");
  for (const token of ["", ours.token.slice(1), `${ours.token}0`]) {
    came.set(HOP_KEY, token);
    expect(ours.read(came)).toBeUndefined();
  }
});

test("what a caller itself says of hops does not go along", () => {
  const came = new Map([
    ["moult-peer", "198.51.100.1:1"],
    ["moult-certificate", "AQ=="],
  ]);
  const along = ours.write(came, { peer: "192.0.2.1:7", certificate: undefined });
  expect(ours.read(read(along))).toEqual({ peer: "192.0.2.1:7", certificate: undefined });
});

test.for([
  [true, { isOurs: true, isAlive: true }, "STAY"],
  [true, { isOurs: true, isAlive: false }, "STAY"],
  [true, { isOurs: false, isAlive: true }, "RISE"],
  [true, { isOurs: false, isAlive: false }, "RISE"],
  [false, { isOurs: false, isAlive: true }, "STAY"],
  [false, { isOurs: false, isAlive: false }, "TAKE"],
  [false, { isOurs: true, isAlive: true }, "TAKE"],
] as const)("seated %s and seeing %o, it does %s", ([isSeated, view, move]) => {
  expect(moveOf(view, isSeated)).toBe(move);
});
