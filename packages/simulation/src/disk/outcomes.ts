/**
 * What a power cut at one moment may leave, image by image: every allowed combination where there are few, and where there
 * are many the telling ones first (all, none, each prefix, each operation alone lost or kept, each torn file, pairs of them),
 * then others drawn from a seed, up to a bound. Pure.
 */
import { STREAM, uniform } from "../random.ts";
import type { ImageFile, ImageFolder, ImageNode } from "./image.ts";
import { type DiskNode, type DiskState, type NamesOperation, ROOT_NODE, applyChanges } from "./state.ts";
import { type FileForm, formsOf } from "./torn.ts";

/** How far to go. */
export interface CutOptions {
  /** At most so many combinations; 1 or more. */
  readonly bound: number;
  /** Draws the combinations that are tried where there are more. */
  readonly seed: number;
}

/** One thing a power cut may leave. */
export interface Outcome {
  readonly image: ImageFolder;
  /** In words: what was lost, and what was torn. */
  readonly how: string;
}

/** What reached the medium: for each pending operation whether it did, for each unsafe file which of its forms. */
interface Choice {
  readonly kept: readonly boolean[];
  readonly forms: readonly number[];
}

interface Unsafe {
  readonly id: number;
  readonly forms: readonly FileForm[];
}

/** The outcomes of a cut at `state`, each choice once. The first is "everything reached the medium". */
export function* outcomesOf(state: DiskState, { bound, seed }: CutOptions): Generator<Outcome> {
  const unsafe = unsafeFiles(state);
  const seen = new Set<string>();
  for (const wish of wishes(state.pending.length, unsafe, bound, seed)) {
    const choice = { ...wish, kept: possible(state.pending, wish.kept) };
    const key = `${choice.kept.map(Number).join("")} ${choice.forms.join(",")}`;
    if (seen.has(key)) continue;
    seen.add(key);
    yield { image: imageOf(state, unsafe, choice), how: describe(state, unsafe, choice) };
    if (seen.size >= bound) return;
  }
}

/** How many combinations there are, allowed or not; Infinity beyond what a number holds. */
function combinations(operations: number, unsafe: readonly Unsafe[]): number {
  return unsafe.reduce((product, { forms }) => product * forms.length, 2 ** operations);
}

function unsafeFiles(state: DiskState): readonly Unsafe[] {
  const found: Unsafe[] = [];
  const named = namedNodes(state);
  for (const [id, node] of state.nodes) {
    // What has no name, and cannot get one back, nobody will ever read.
    if (node.kind !== "file" || !named.has(id)) continue;
    if (node.bytes === node.safeBytes && node.executable === node.safeExecutable) continue;
    const forms = formsOf(node);
    if (forms.length > 1) found.push({ id, forms });
  }
  return found;
}

function namedNodes({ nodes, pending }: DiskState): ReadonlySet<number | undefined> {
  const named = new Set<number | undefined>();
  for (const node of nodes.values()) {
    if (node.kind !== "folder") continue;
    for (const names of [node.names, node.safeNames]) for (const id of names.values()) named.add(id);
  }
  for (const { changes } of pending) for (const { node } of changes) named.add(node);
  return named;
}

/** An operation cannot have happened where an earlier one on the same name has not. */
function possible(operations: readonly NamesOperation[], wanted: readonly boolean[]): readonly boolean[] {
  const lost = new Set<string>();
  return operations.map(({ changes }, index) => {
    const keys = changes.map(({ folder, name }) => `${folder}/${name}`);
    if (wanted[index] === true && !keys.some((key) => lost.has(key))) return true;
    for (const key of keys) lost.add(key);
    return false;
  });
}

function* wishes(operations: number, unsafe: readonly Unsafe[], bound: number, seed: number): Generator<Choice> {
  const all = (kept: boolean): boolean[] => Array.from({ length: operations }, () => kept);
  const forms = (form: number): number[] => unsafe.map(() => form);
  yield { kept: all(true), forms: forms(0) };
  if (combinations(operations, unsafe) <= bound) {
    yield* everything(operations, unsafe);
    return;
  }
  yield { kept: all(false), forms: forms(1) };
  yield { kept: all(true), forms: forms(1) };
  yield { kept: all(false), forms: forms(0) };
  // The newest first: what is older has been met at earlier cuts.
  for (let file = unsafe.length - 1; file >= 0; file -= 1) {
    for (let form = 1; form < (unsafe[file]?.forms.length ?? 0); form += 1) {
      yield { kept: all(true), forms: forms(0).with(file, form) };
    }
  }
  for (let at = operations - 1; at >= 0; at -= 1) {
    yield { kept: all(true).with(at, false), forms: forms(0) };
    yield { kept: all(false).with(at, true), forms: forms(1) };
    yield { kept: all(true).fill(false, at), forms: forms(0) };
    yield { kept: all(true).with(at, false), forms: forms(1) };
  }
  yield* drawn(operations, unsafe, bound, seed);
}

function* everything(operations: number, unsafe: readonly Unsafe[]): Generator<Choice> {
  const sizes = [...Array.from({ length: operations }, () => 2), ...unsafe.map(({ forms }) => forms.length)];
  const total = combinations(operations, unsafe);
  for (let number = 0; number < total; number += 1) {
    let rest = number;
    const digits = sizes.map((size) => {
      const digit = rest % size;
      rest = Math.floor(rest / size);
      return digit;
    });
    yield { kept: digits.slice(0, operations).map((digit) => digit === 0), forms: digits.slice(operations) };
  }
}

/** So many draws for each outcome that is still wanted: some are the same. */
const DRAWS_PER_BOUND = 3;

function* drawn(operations: number, unsafe: readonly Unsafe[], bound: number, seed: number): Generator<Choice> {
  for (let draw = 0; draw < bound * DRAWS_PER_BOUND; draw += 1) {
    let subject = 0;
    const roll = (): number => uniform(seed, STREAM.powerCut, draw, (subject += 1));
    const share = roll();
    yield {
      kept: Array.from({ length: operations }, () => roll() < share),
      forms: unsafe.map((file) => Math.floor(roll() * file.forms.length)),
    };
  }
}

function imageOf(state: DiskState, unsafe: readonly Unsafe[], { kept, forms }: Choice): ImageFolder {
  const nodes = new Map<number, DiskNode>(state.nodes);
  for (const [index, operation] of state.pending.entries()) {
    if (kept[index] === true) applyChanges(nodes, operation.changes, "safeNames");
  }
  const found = new Map(unsafe.map((file, index) => [file.id, file.forms[forms[index] ?? 0]]));
  const files = new Map<number, ImageFile>();
  const fileOf = (id: number, node: DiskNode & { readonly kind: "file" }): ImageFile => {
    const known = files.get(id);
    if (known !== undefined) return known;
    const form = found.get(id);
    const file: ImageFile = {
      kind: "file",
      bytes: form?.bytes ?? node.safeBytes,
      executable: form?.executable ?? node.safeExecutable,
    };
    files.set(id, file);
    return file;
  };
  const folderOf = (id: number): ImageFolder => {
    const names = new Map<string, ImageNode>();
    const node = nodes.get(id);
    for (const [name, child] of node?.kind === "folder" ? node.safeNames : []) {
      const below = nodes.get(child);
      if (below === undefined) continue;
      names.set(name, below.kind === "file" ? fileOf(child, below) : folderOf(child));
    }
    return { kind: "folder", names };
  };
  return folderOf(ROOT_NODE);
}

function describe(state: DiskState, unsafe: readonly Unsafe[], { kept, forms }: Choice): string {
  const lost = state.pending.filter((_, index) => kept[index] === false).map(({ what }) => `not "${what}"`);
  const torn = unsafe.flatMap(({ id, forms: all }, index) => {
    const form = all[forms[index] ?? 0];
    return form === undefined || form.how === "kept" ? [] : [`${pathOf(state, id)} ${form.how}`];
  });
  const said = [...lost, ...torn];
  return said.length === 0 ? "all of it reached the medium" : said.join("; ");
}

/** One of the file's names, for people. */
function pathOf(state: DiskState, wanted: number): string {
  for (const [id, node] of state.nodes) {
    if (node.kind !== "folder") continue;
    for (const [name, child] of node.names) if (child === wanted) return id === ROOT_NODE ? `/${name}` : `…/${name}`;
  }
  return "a file without a name";
}

/** The image of a cut that loses nothing: what a clean shutdown leaves. */
export function settledImage(state: DiskState): ImageFolder {
  const [first] = outcomesOf(state, { bound: 1, seed: 0 });
  if (first === undefined) throw new Error("a cut has at least one outcome");
  return first.image;
}
