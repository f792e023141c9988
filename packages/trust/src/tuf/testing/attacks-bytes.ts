/** Attacks on how bytes are read: documents that differ and share one signature. None needs a key. */
import { type Attack, part, serveTimestamp } from "./attack.ts";
import { edited, text } from "./forge.ts";
import type { World } from "./world.ts";

/** The publisher signs a note, as any unknown field may stand in plain TUF; the mirror changes the bytes afterwards. */
function noted(note: unknown, from: string, to: string): (world: World) => void {
  return (world) => {
    serveTimestamp(world, (signed) => void (signed["note"] = note));
    world.files.set("timestamp.json", edited(world.file("timestamp.json"), from, to));
  };
}

function editTimestamp(from: string, to: string): (world: World) => void {
  return (world) => void world.files.set("timestamp.json", edited(world.file("timestamp.json"), from, to));
}

const invalidUtf8 = (world: World): void => {
  serveTimestamp(world, (signed) => void (signed["note"] = "\ufffd"));
  const bytes = Buffer.from(world.file("timestamp.json"));
  const at = bytes.indexOf(Buffer.from("efbfbd", "hex"));
  world.files.set(
    "timestamp.json",
    Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff]), bytes.subarray(at + 3)]),
  );
};

const unsignedExtra = editTimestamp('"meta": {', '"meta": {"other.json": {"version": 7},');

export const CANONICAL_ATTACKS: readonly Attack[] = [
  {
    name: "a key twice",
    plain: true,
    attack: editTimestamp('"version": 1', '"version": 9, "version": 1'),
    expected: "timestamp NOT_JSON",
    stock: "accepted",
  },
  {
    name: "half a character",
    plain: true,
    attack: noted("\ufffd", "\ufffd", String.raw`\ud800`),
    expected: "timestamp NOT_JSON",
    stock: "accepted",
  },
  {
    name: "bytes that are no UTF-8",
    plain: true,
    attack: invalidUtf8,
    expected: "timestamp NOT_JSON",
    stock: "accepted",
  },
  {
    name: "a number that is rounded",
    plain: true,
    attack: noted(2 ** 53, "9007199254740992", "9007199254740993"),
    expected: "timestamp NOT_JSON",
    stock: "accepted",
  },
  {
    name: "a number in another spelling",
    plain: true,
    attack: noted(5, '"note":5', '"note":5.0'),
    expected: "timestamp NOT_JSON",
    stock: "accepted",
  },
  {
    name: "minus nothing",
    plain: true,
    attack: noted(0, '"note":0', '"note":-0'),
    expected: "timestamp NOT_JSON",
    stock: "accepted",
  },
  {
    name: "a part that the library drops",
    attack: unsignedExtra,
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "a part that the library drops, form aside",
    plain: true,
    attack: unsignedExtra,
    expected: "timestamp SIGNATURES_TOO_FEW",
    stock: "accepted",
  },
  {
    name: "something beside the signed part",
    attack: editTimestamp('"signatures": [', '"note": 1, "signatures": ['),
    expected: "timestamp FORM_INVALID",
    stock: "accepted",
  },
  {
    name: "deeper than any reader should go",
    plain: true,
    attack: (world) => serveTimestamp(world, (signed) => void (signed["note"] = nested(40))),
    expected: "timestamp NOT_JSON",
    stock: "accepted",
  },
  {
    name: "longer than a timestamp may be",
    plain: true,
    attack: (world) =>
      void world.files.set(
        "timestamp.json",
        new Uint8Array([...world.file("timestamp.json"), ...text(" ".repeat(16_384))]),
      ),
    expected: "timestamp TOO_LARGE",
    stock: "refused",
  },
  {
    name: "two documents in one file",
    attack: (world) =>
      void world.files.set("timestamp.json", new Uint8Array([...world.file("timestamp.json"), ...text("{}")])),
    expected: "timestamp NOT_JSON",
    stock: "refused",
  },
  {
    name: "a word of another network's publisher",
    attack: (world) => serveTimestamp(world, (signed) => void (part(signed, "moult")["network"] = "other")),
    expected: "timestamp OTHER_NETWORK",
    stock: "accepted",
  },
];

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}
