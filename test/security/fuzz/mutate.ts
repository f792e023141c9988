/**
 * Inputs that nobody would write: random bytes, and valid ones with damage that knows the forms: flipped bits, pieces cut,
 * doubled, moved and taken from other inputs, keys said twice, numbers far too large, nesting without end.
 */
import type { Dice } from "./dice.ts";

/** The longest input, in bytes; with `deep` pieces in it somewhat more. */
export const INPUT_BYTES_MAX = 65_536;

const text = (words: string): Buffer => Buffer.from(words, "utf8");

/** Pieces that mean something to a reader, put where they do not belong. */
const PIECES: readonly Buffer[] = [
  ..."{ } [ ] ( ) < > , : ; \" ' ` \\ / . .. - + = % & * ? ! | # @ ~ $ _ 0 1 9 a Z".split(" ").map(text),
  ...["\n", "\r\n", "\n\n", "\t", " ", "\0", "\u00a0", "\ufeff", "\u2028", "\u2014 ", "\u{1f600}", "e\u0301"].map(text),
  ...[
    "null",
    "true",
    "false",
    "NaN",
    "Infinity",
    "-0",
    "1e999",
    "0x10",
    "0.5",
    "1_000",
    "~",
    "<<: *a",
    "&a [*a,*a]",
  ].map(text),
  ...["9007199254740993", "18446744073709551616", "-9223372036854775809", "4294967296", "1e-400"].map(text),
  ...[
    '"__proto__":',
    '"constructor":',
    '"toString":',
    "__proto__: 1",
    "? ",
    "- ",
    "!!js/function ",
    "!!binary ",
    "---\n",
  ].map(text),
  ...["\\u0000", "\\ud800", "\\x00", "%00", "%2e%2e%2f", "../", "//", "file:///", "https://", "bytes=0-"].map(text),
  ...["2026-11-21T08:00:00Z", "9999-12-31T23:59:60Z", "0000-00-00T00:00:00Z", "DSSEv1 ", "old 0", "+00000000+"].map(
    text,
  ),
  // Protocol buffers: long varints, groups, lengths beyond the end, field number 0.
  ...[
    "ffffffffffffffffff01",
    "ffffffffffffffffffff",
    "0b0c",
    "0affffffff0f",
    "00",
    "0a00",
    "08808080801012",
    "f8ffffff0f01",
  ].map((hex) => Buffer.from(hex, "hex")),
  ...["ffffffff", "ffffff7f", "00000080", "ffffffffffffffff", "0000000000000080", "28b52ffd", "37a430ec"].map((hex) =>
    Buffer.from(hex, "hex"),
  ),
];

const NESTS: readonly (readonly [string, string])[] = [
  ["[", "]"],
  ['{"a":', "}"],
  ["(", ")"],
  ["- ", ""],
  ['"', ""],
  ["\\", ""],
];
const DEPTHS = [4, 33, 200, 5_000];

/** Random bytes, up to `lengthMax`. */
export function noise(dice: Dice, lengthMax: number): Buffer {
  const bytes = Buffer.allocUnsafe(dice.roll(lengthMax + 1));
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = dice.roll(256);
  return bytes;
}

/** One input: mostly a damaged sample, sometimes a whole one, sometimes bytes that never were anything. */
export function inputFrom(dice: Dice, samples: readonly Buffer[]): Buffer {
  const kind = dice.roll(16);
  if (kind === 0) return noise(dice, 512);
  if (kind === 1) return words(dice);
  let bytes = dice.pick(samples);
  if (kind === 2) return Buffer.from(bytes);
  for (let times = 1 + dice.roll(4); times > 0; times -= 1) bytes = damage(dice, bytes, samples);
  return bytes.length > INPUT_BYTES_MAX ? bytes.subarray(0, INPUT_BYTES_MAX) : bytes;
}

function words(dice: Dice): Buffer {
  return Buffer.concat(Array.from({ length: 1 + dice.roll(24) }, () => dice.pick(PIECES)));
}

function damage(dice: Dice, bytes: Buffer, samples: readonly Buffer[]): Buffer {
  const at = dice.roll(bytes.length + 1);
  const to = Math.min(bytes.length, at + dice.roll(64));
  const instead = (middle: Uint8Array, end = to): Buffer =>
    Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(end)]);
  switch (dice.roll(13)) {
    case 0:
    case 1: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = (flipped[at] as number) ^ (1 << dice.roll(8));
      return flipped;
    }
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return instead(Buffer.alloc(0));
    case 4:
      return instead(dice.pick(PIECES), at);
    case 5:
      return instead(dice.pick(PIECES));
    case 6:
      // Said twice: keys, fields, lines.
      return instead(bytes.subarray(at, to), at);
    case 7: {
      const other = dice.pick(samples);
      const from = dice.roll(other.length + 1);
      return instead(other.subarray(from, from + dice.roll(128)));
    }
    case 8: {
      const [open, close] = dice.pick(NESTS);
      const depth = dice.pick(DEPTHS);
      return instead(text(open.repeat(depth) + (dice.roll(2) === 0 ? close.repeat(depth) : "")), at);
    }
    case 9:
      return hugeNumber(dice, bytes);
    case 10: {
      const run = to - at;
      if (run === 0) return bytes;
      const times = dice.roll(32) === 0 ? Math.floor(INPUT_BYTES_MAX / run) : dice.roll(40);
      return instead(Buffer.alloc(Math.min(INPUT_BYTES_MAX, run * times), bytes.subarray(at, at + run)), at);
    }
    case 11: {
      const set = Buffer.from(bytes);
      set.fill(dice.pick([0, 255, 128, 32, 48, dice.roll(256)]), at, to);
      return set;
    }
    default:
      return instead(noise(dice, 16));
  }
}

/** The first run of digits behind a place made a number that does not fit, or a length of bytes all ones. */
function hugeNumber(dice: Dice, bytes: Buffer): Buffer {
  const from = dice.roll(bytes.length + 1);
  let at = from;
  const isDigit = (place: number): boolean => (bytes[place] ?? 0) >= 48 && (bytes[place] ?? 0) <= 57;
  while (at < bytes.length && !isDigit(at)) at += 1;
  let to = at;
  while (to < bytes.length && isDigit(to)) to += 1;
  const number = dice.pick(["0", "4294967295", "9007199254740992", "99999999999999999999", "-1", "1e308", "00"]);
  return Buffer.concat([bytes.subarray(0, at), text(number), bytes.subarray(to)]);
}
