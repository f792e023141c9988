/** The audit log of a running coordinator: the sequencer, driven by time, and what the endpoint serves. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseVkey } from "@moult/trust/audit";
import type { Clock, Log, Random } from "../ports.ts";
import { StoreError } from "../store/port.ts";
import type { TreeStore } from "../store/tree.ts";
import type { AuditEndpointParts } from "./endpoint.ts";
import { lastCheckpointIn } from "./last-checkpoint.ts";
import { readOrMakeLogKey } from "./log-key.ts";
import { type CheckpointMark, Sequencer } from "./sequencer.ts";
import { Witnesses } from "./witnesses.ts";

/** A failure that stays is told again after this. */
const TELL_AGAIN_MS = 60_000;

/** The log's settings, as in the configuration. */
export interface AuditSettings {
  /** The log's name: first line of its checkpoints. Undefined for `moult/NETWORK/audit`. */
  readonly origin?: string | undefined;
  /** Between two rounds of placing and signing. */
  readonly checkpoint_ms: number;
  readonly witnesses: readonly { readonly url: string; readonly key: string }[];
  /** How many witnesses must have answered since the start before anything is signed. Undefined: 1 where there are any. */
  readonly witnesses_min?: number | undefined;
}

/** What the log works with. */
export interface AuditLogParts {
  readonly settings: AuditSettings;
  readonly network: string;
  readonly stateDir: string;
  readonly tree: TreeStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How far the log is. */
export interface AuditProgress {
  /** Undefined before the first, as the next. */
  readonly signed: CheckpointMark | undefined;
  readonly witnessed: CheckpointMark | undefined;
  /** When it last did all there was to do; when it was opened, before that. Milliseconds since the epoch. */
  readonly roundAtMs: number;
}

/** A log that is kept. */
export interface AuditLog {
  readonly progress: () => AuditProgress;
  readonly endpoint: AuditEndpointParts;
  /** The key that its checkpoints are checked by, as `name+keyid+base64`, is in `audit/log.vkey` of the state folder. */
  readonly origin: string;
  /** Begins with the rounds; to be called once. */
  readonly start: () => void;
  readonly stop: () => Promise<void>;
}

/** Takes the log over; it is kept from `start` on. Throws StoreError BEHIND where more was signed than is here, or SecretError. */
export async function openAuditLog(parts: AuditLogParts): Promise<AuditLog> {
  const { settings, network, tree, clock, random, log } = parts;
  const origin = settings.origin ?? `moult/${network}/audit`;
  const folder = join(parts.stateDir, "audit");
  const key = readOrMakeLogKey(folder, origin, random);
  const list = settings.witnesses.map(({ url, key: text }) => ({
    url: url.replace(/\/+$/, ""),
    key: parseVkey(text, "cosignature"),
  }));
  const quorum = settings.witnesses_min ?? Math.min(1, list.length);
  const witnesses = new Witnesses({ witnesses: list, quorum, tree, log });
  const last = lastCheckpointIn(folder, key.verifier);
  const sequencer = new Sequencer({ tree, network, key, last, witnesses, witnessCount: list.length, clock });
  await sequencer.open();
  let stop = async (): Promise<void> => {};
  let roundAtMs = clock.now();
  return {
    origin,
    progress: () => ({ signed: sequencer.signed, witnessed: sequencer.witnessed, roundAtMs }),
    endpoint: { tree, published: () => sequencer.published },
    start() {
      const done = (): void => void (roundAtMs = clock.now());
      stop = repeat(sequencer, settings.checkpoint_ms, clock, log, done);
    },
    stop: () => stop(),
  };
}

/** Rounds one after another, the first at once. Resolves the stop when the running one has ended. */
function repeat(sequencer: Sequencer, pauseMs: number, clock: Clock, log: Log, done: () => void): () => Promise<void> {
  const told = { message: "", atMs: 0 };
  const stopping = new AbortController();
  const { signal } = stopping;
  // The stop wakes whoever pauses.
  const pause = (): Promise<unknown> => sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const isMore = await sequencer.round();
        told.message = "";
        if (isMore) continue;
        done();
      } catch (error) {
        // Decisions do not wait for the log: it says what is wrong, and catches up when it is right again.
        const { message } = error as Error;
        const now = clock.now();
        if (message !== told.message || now - told.atMs >= TELL_AGAIN_MS) {
          log.error({ err: error }, "the audit log cannot go on");
          Object.assign(told, { message, atMs: now });
        }
        if (error instanceof StoreError && error.code === "FENCED") return;
      }
      await pause();
    }
  };
  const running = run();
  return async () => {
    stopping.abort();
    await running;
  };
}
