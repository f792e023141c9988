/** What the bench's nodes say, as bytes. Encoded once; the few bytes that differ from ask to ask are written over. */
import { randomUUID } from "node:crypto";
import { type MessageInitShape, create, toBinary } from "@bufbuild/protobuf";
import {
  AskRequestSchema,
  AttendRequestSchema,
  OutcomeKind,
  ReportRequestSchema,
  type SituationSchema,
  Slot,
  WorkState,
} from "@moult/contracts/v1";
import { framed } from "./caller.ts";

/** Paths of the calls. */
export const PATHS = {
  ask: "/moult.v1.AgentService/Ask",
  report: "/moult.v1.AgentService/Report",
  attend: "/moult.v1.AgentService/Attend",
} as const;

/** A sequence whose encoding has one length for a billion calls. */
const SEQUENCE_FROM = 1n << 29n;

const SITUATION = {
  capacityRps: 10,
  loadRps: 2,
  workState: WorkState.SERVING,
  interruptible: true,
  endpoint: "127.0.0.1:8080",
  host: {
    cpuCount: 4,
    cpuBusyRatio: 0.2,
    memoryTotalBytes: 4_000_000_000n,
    memoryAvailableBytes: 2_000_000_000n,
    diskFreeBytes: 20_000_000_000n,
    uptimeMs: 100_000_000n,
  },
} as const satisfies MessageInitShape<typeof SituationSchema>;

/** What a node runs and has staged. */
export interface Builds {
  readonly running: string;
  readonly staged: string;
}

/** What one node says. */
export class Voice {
  readonly #node: string;
  readonly #builds: Builds;
  readonly #bootId = randomUUID();
  readonly #situation: MessageInitShape<typeof SituationSchema>;
  #sequence = SEQUENCE_FROM;

  constructor(nodeId: string, builds: Builds, capacityRps: number = SITUATION.capacityRps) {
    this.#node = `nodes/${nodeId}`;
    this.#builds = builds;
    this.#situation = { ...SITUATION, capacityRps };
  }

  /** The frame of an ask. */
  ask(more: { readonly permitId?: string; readonly drained?: boolean } = {}): Buffer {
    this.#sequence += 1n;
    const message = create(AskRequestSchema, {
      node: this.#node,
      askId: randomUUID(),
      bootId: this.#bootId,
      sequence: this.#sequence,
      platform: { os: "linux", arch: "x64" },
      runningDigest: this.#builds.running,
      runningVersion: "1.0.0",
      runningReleaseCounter: 1n,
      slot: Slot.A,
      situation: this.#situation,
      stagedDigest: this.#builds.staged,
      ...more,
    });
    return framed(toBinary(AskRequestSchema, message));
  }

  /** The frame of a pulse as it goes up a stream. */
  pulse(): Buffer {
    this.#sequence += 1n;
    const report = this.#report({ case: "pulse", value: { situation: this.#situation } });
    return framed(
      toBinary(AttendRequestSchema, create(AttendRequestSchema, { message: { case: "report", value: report } })),
    );
  }

  /** The frame of an outcome: back on the old build, its permit at an end. */
  reverted(permitId: string): Buffer {
    this.#sequence += 1n;
    const { running, staged } = this.#builds;
    const value = {
      permitId,
      targetDigest: staged,
      kind: OutcomeKind.REVERTED,
      situation: this.#situation,
      runningDigest: running,
      runningVersion: "1.0.0",
      runningReleaseCounter: 1n,
    };
    return framed(toBinary(ReportRequestSchema, create(ReportRequestSchema, this.#report({ case: "outcome", value }))));
  }

  #report(report: NonNullable<MessageInitShape<typeof ReportRequestSchema>["report"]>) {
    return { node: this.#node, bootId: this.#bootId, sequence: this.#sequence, report };
  }
}
