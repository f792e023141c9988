/**
 * Nodes from the threads that read a store, slice after slice: a reader stays a little ahead, never with all of them in
 * memory, and the process has a turn for others after each. To read and parse is most of a start's work, so two share it.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { MessagePort, Worker } from "node:worker_threads";
import type { Node } from "@moult/policy";
import { type PackedNodes, Packer, Unpacker } from "./packed-nodes.ts";

/** A row: identity and state. */
export type NodeRow = readonly [identity: string, state: string | null];

/** What the reader says. */
export interface Slice {
  readonly packed: PackedNodes;
  readonly isLast: boolean;
}

/** Threads that read a store, each its part; a power of two. */
export const READERS = 2;

/** Nodes a slice: a few milliseconds of either thread. */
export const NODES_A_SLICE = 1_000;

/** Slices that may wait to be taken. */
const SLICES_AHEAD = 8;

/**
 * Takes all that readers send into `nodes`; `start` starts one, by the number of its part. Rejects where one ends before it has
 * sent its last.
 */
export async function takeSlices(start: (part: number) => Worker, nodes: Node[]): Promise<void> {
  const readers = Array.from({ length: READERS }, (_, part) => start(part));
  try {
    const unpacker = new Unpacker();
    await Promise.all(readers.map((reader) => takeFrom(reader, unpacker, nodes)));
  } finally {
    await Promise.all(readers.map((reader) => reader.terminate()));
  }
}

async function takeFrom(reader: Worker, unpacker: Unpacker, nodes: Node[]): Promise<void> {
  const slices: Slice[] = [];
  let failure: Error | undefined;
  let wake = Promise.withResolvers<void>();
  const fail = (error: Error): void => {
    failure ??= error;
    wake.resolve();
  };
  reader.on("error", fail);
  reader.on("exit", (code) => fail(new Error(`the reader ended with code ${code}`)));
  reader.on("message", (slice: Slice) => {
    slices.push(slice);
    wake.resolve();
  });
  for (;;) {
    const slice = slices.shift();
    if (slice === undefined) {
      if (failure !== undefined) throw failure;
      await wake.promise;
      wake = Promise.withResolvers();
      continue;
    }
    nodes.push(...unpacker.unpack(slice.packed));
    if (slice.isLast) return;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    reader.postMessage("more");
    await turn();
  }
}

/** The reader's side: sends rows as they are wanted. `next` answers the next rows, fewer than were asked for at the end. */
export function sendSlices(
  port: MessagePort,
  next: (rowsMax: number) => readonly NodeRow[] | Promise<readonly NodeRow[]>,
  done: () => void | Promise<void>,
): void {
  const packer = new Packer();
  const leave = { slices: SLICES_AHEAD, wake: Promise.withResolvers<void>() };
  port.on("message", () => {
    leave.slices += 1;
    leave.wake.resolve();
  });
  const run = async (): Promise<void> => {
    for (;;) {
      while (leave.slices === 0) {
        await leave.wake.promise;
        leave.wake = Promise.withResolvers();
      }
      leave.slices -= 1;
      const rows = await next(NODES_A_SLICE);
      const packed = packer.pack(rows);
      const { columns } = packed;
      const isLast = rows.length < NODES_A_SLICE;
      if (isLast) await done();
      port.postMessage({ packed, isLast } satisfies Slice, [
        columns.numbers.buffer,
        columns.marks.buffer,
        columns.keys.buffer,
      ]);
      if (isLast) return port.close();
    }
  };
  void run();
}
