/** A device that runs one build and is offered the next, and the deltas between them. */
import { makeDelta } from "@moult/delta";
import { digestOf } from "@moult/trust";
import { makeFolder } from "../../testing/folders.ts";
import { type TestBuild, makeTestBuild } from "../../testing/test-build.ts";
import { type Device, Source, makeDevice } from "./staging.ts";

/** Bytes that pack to about half, the same for the same seed. */
export function grainy(lengthBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  let state = seed;
  for (let at = 0; at < lengthBytes; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = (state >>> 24) & 0x0f;
  }
  return bytes;
}

/** Two builds that differ in one part, and what makes the new part. */
export interface Pair {
  readonly old: Uint8Array;
  readonly fresh: Uint8Array;
  readonly before: TestBuild;
  readonly after: TestBuild;
  readonly delta: Uint8Array;
  readonly packed: Uint8Array;
  /** What stands behind `/v1/`. */
  readonly deltaName: string;
  readonly packedName: string;
}

/** A pair whose new part is the old one with `edit` in its middle. */
export async function makePair(lengthBytes: number, edit: Uint8Array = grainy(5_000, 9)): Promise<Pair> {
  const old = grainy(lengthBytes, 1);
  const middle = lengthBytes >> 1;
  const fresh = new Uint8Array(Buffer.concat([old.subarray(0, middle), edit, old.subarray(middle)]));
  const [oldDigest, digest] = [digestOf(old), digestOf(fresh)];
  return {
    old,
    fresh,
    before: makeTestBuild({ manifest: { version: "1.5.0" }, files: { large: old } }),
    after: makeTestBuild({ files: { large: fresh } }),
    delta: await joined(makeDelta({ digest, bytes: fresh }, { digest: oldDigest, bytes: old })),
    packed: await joined(makeDelta({ digest, bytes: fresh }, undefined)),
    deltaName: `deltas/${oldDigest}-${digest}`,
    packedName: `packed/${digest}`,
  };
}

async function joined(making: ReturnType<typeof makeDelta>): Promise<Uint8Array> {
  const made = await making;
  if (made === undefined) throw new Error("the part is one that packs");
  return new Uint8Array(Buffer.concat(made.pieces));
}

/** A device in whose slot a the older build lies. */
export async function deviceWith(pair: Pair, root: string = makeFolder()): Promise<Device> {
  const device = await makeDevice(root);
  const source = new Source();
  source.build = pair.before;
  await device.stage([await source.open()], {}, pair.before);
  return device;
}

/** A source of the newer build with what it has besides. */
export function sourceOf(pair: Pair, ...kinds: readonly ("deltas" | "packed")[]): Source {
  const source = new Source();
  source.build = pair.after;
  if (kinds.includes("deltas")) source.deltas.set(pair.deltaName, pair.delta);
  if (kinds.includes("packed")) source.deltas.set(pair.packedName, pair.packed);
  return source;
}
