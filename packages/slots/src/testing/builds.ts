/** Small builds for tests. */
import { createHash } from "node:crypto";
import type { PartEntry, SlotContents } from "../slot-contents.ts";
import type { SlotStore } from "../slot-store.ts";

/** A build with its bytes. */
export interface TestBuild {
  readonly contents: SlotContents;
  readonly manifest: Uint8Array;
  readonly bytes: ReadonlyMap<string, Uint8Array>;
}

/** A build of a runtime, an agent and a workload with these texts. */
export function makeBuild(texts: {
  readonly runtime?: string;
  readonly agent: string;
  readonly workload?: string;
}): TestBuild {
  const manifest = new TextEncoder().encode(JSON.stringify(texts));
  const bytes = new Map<string, Uint8Array>();
  const part = (path: string, text: string, executable: boolean): PartEntry => {
    const content = new TextEncoder().encode(text);
    const digest = digestOf(content);
    bytes.set(digest, content);
    return { path, digest, lengthBytes: content.length, executable };
  };
  const parts = [
    part("runtime/node", texts.runtime ?? "a runtime", true),
    part("agent/agent.mjs", texts.agent, false),
    part("workload/server.mjs", texts.workload ?? "a workload", false),
  ];
  const contents = { digest: digestOf(manifest), runtime: "runtime/node", agent: "agent/agent.mjs", parts };
  return { contents, manifest, bytes };
}

/** Takes all parts of the build that are missing, then assembles the slot. Returns how many parts came in. */
export async function stage(store: SlotStore, slot: "a" | "b" | "factory", build: TestBuild): Promise<number> {
  const present = await store.presentParts();
  let received = 0;
  for (const part of build.contents.parts) {
    if (present.has(part.digest)) continue;
    const writer = await store.receivePart(part);
    await writer.write(build.bytes.get(part.digest) ?? new Uint8Array());
    await writer.finish();
    received += 1;
  }
  await store.assemble(slot, build.contents, { manifest: build.manifest, signed: build.manifest });
  return received;
}

/** SHA-256 in hexadecimal. */
export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
