/** What a power cut may leave of a file whose last bytes were not made safe: rule 4 of `state.ts`, as a list. Pure. */
import type { FileNode } from "./state.ts";

/** One form a file may be found in. */
export interface FileForm {
  readonly bytes: Uint8Array;
  readonly executable: boolean;
  /** In words. */
  readonly how: string;
}

/** What was never written reads as this, besides zeros. */
const GARBAGE = 0xa5;

/** Where a file is cut, as shares of its length. */
const CUTS: readonly (readonly [numerator: number, denominator: number])[] = [
  [1, 4],
  [1, 2],
  [3, 4],
];

/** The forms: the first is "all of it", the second "nothing of it", the others are torn. Each once. */
export function formsOf({ bytes, safeBytes, executable, safeExecutable }: FileNode): readonly FileForm[] {
  const forms: FileForm[] = [
    { bytes, executable, how: "kept" },
    { bytes: safeBytes, executable: safeExecutable, how: "lost" },
  ];
  const add = (how: string, torn: Uint8Array): void => void forms.push({ bytes: torn, executable, how });
  if (executable !== safeExecutable) forms.push({ bytes, executable: safeExecutable, how: "kept, its mode lost" });
  if (!equal(bytes, safeBytes)) {
    add("empty", new Uint8Array());
    add("all zeros", new Uint8Array(bytes.length));
    add("garbage", new Uint8Array(bytes.length).fill(GARBAGE));
    if (bytes.length > 1) add("one byte short", bytes.slice(0, -1));
    for (const [numerator, denominator] of CUTS) tearAt(bytes, safeBytes, numerator, denominator, add);
  }
  return distinct(forms);
}

function tearAt(
  bytes: Uint8Array,
  old: Uint8Array,
  numerator: number,
  denominator: number,
  add: (how: string, torn: Uint8Array) => void,
): void {
  const at = Math.floor((bytes.length * numerator) / denominator);
  const share = `${numerator}/${denominator}`;
  const head = bytes.slice(0, at);
  const rest = bytes.length - at;
  add(`its first ${share}`, head);
  add(`its first ${share}, then zeros`, concat(head, new Uint8Array(rest)));
  add(`its first ${share}, then garbage`, concat(head, new Uint8Array(rest).fill(GARBAGE)));
  add(`zeros, then the rest from ${share}`, concat(new Uint8Array(at), bytes.slice(at)));
  if (old.length > at) add(`its first ${share}, then what stood there before`, concat(head, old.slice(at)));
}

function distinct(forms: readonly FileForm[]): readonly FileForm[] {
  const seen = new Set<string>();
  return forms.filter((form) => {
    const key = `${form.executable} ${Buffer.from(form.bytes).toString("latin1")}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function concat(one: Uint8Array, other: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([one, other]));
}

/** Whether two arrays hold the same bytes. */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one === other || Buffer.compare(one, other) === 0;
}
