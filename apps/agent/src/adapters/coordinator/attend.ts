/**
 * The one optional stream. Pulses go up, nudges, the brake and drain notices come down; when it ends it is opened again
 * after a random time that grows with each failure. Nothing depends on it.
 */
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { create } from "@bufbuild/protobuf";
import { type AttendRequest, AttendRequestSchema, type AttendResponse, type ReportRequest } from "@moult/contracts/v1";
import type { WireSettings } from "../../config/settings.ts";
import type { Attendant, Chance, Clock, Log } from "../../ports.ts";
import { VERDICT_BRAKES_MAX, fromBrakes } from "../../wire/verdict.ts";
import type { Line } from "./line.ts";
import { firstStreamWait, nextStreamWait } from "./stream-waits.ts";

/** A stream that held for this long was no failure when it ends, in milliseconds. */
const STEADY_MS = 10_000;

/** A brake's reason goes into the log; a longer one than the contract allows is cut, in characters. */
const REASON_LENGTH_MAX = 512;

/** What the stream needs. */
export interface StreamParts {
  readonly line: Line;
  readonly settings: WireSettings;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** Told which node the stream is for, before anything is sent. */
  readonly onNode: (node: string) => void;
}

type Duplex = ClientDuplexStream<AttendRequest, AttendResponse>;

/** The stream, over all its lives. */
export class AttendStream {
  readonly #parts: StreamParts;
  readonly #stopped = new AbortController();
  #open: Duplex | undefined;
  #reconnectWithinMs: number | undefined;

  constructor(parts: StreamParts) {
    this.#parts = parts;
  }

  /** Keeps it open until `close`. */
  run(attendant: Attendant): void {
    this.#keepOpen(attendant).catch((error: unknown) =>
      this.#parts.log.error({ err: error }, "the stream is given up"),
    );
  }

  /** Sends a report up; false where no stream is open. */
  send(report: ReportRequest): boolean {
    if (this.#open === undefined) return false;
    this.#open.write(create(AttendRequestSchema, { message: { case: "report", value: report } }));
    return true;
  }

  close(): void {
    this.#stopped.abort();
    this.#open?.cancel();
  }

  async #keepOpen(attendant: Attendant): Promise<void> {
    const { line, settings, clock, chance, log } = this.#parts;
    const { signal } = this.#stopped;
    line.hold();
    let failures = 0;
    await clock.wait(firstStreamWait(settings, chance.roll()), signal);
    while (!signal.aborted) {
      const openedAtMs = clock.nowMs();
      const end = await this.#life(attendant);
      if (signal.aborted) break;
      failures = clock.nowMs() - openedAtMs >= STEADY_MS ? 0 : failures + 1;
      const waitMs = nextStreamWait(settings, failures, this.#reconnectWithinMs, chance.roll());
      this.#reconnectWithinMs = undefined;
      log.debug({ waitMs: Math.round(waitMs) }, `the stream ended: ${end}`);
      await clock.wait(waitMs, signal);
    }
    line.release();
  }

  /** One stream from its opening to its end; says how it ended. */
  async #life(attendant: Attendant): Promise<string> {
    const { line, onNode, log } = this.#parts;
    try {
      return await line.callOnce(
        (client, session) =>
          new Promise((resolve, reject) => {
            const stream = client.attend({ bearer: session.token });
            stream.on("data", (message: AttendResponse) => this.#take(message, attendant));
            stream.on("error", (error) => {
              this.#open = undefined;
              reject(error);
            });
            stream.on("end", () => {
              this.#open = undefined;
              resolve("the coordinator closed it");
            });
            this.#open = stream;
            log.debug({ node: session.node }, "the stream is open");
            onNode(session.node);
            attendant.opened();
          }),
      );
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #take(response: AttendResponse, attendant: Attendant): void {
    const { message } = response;
    switch (message.case) {
      case "nudge":
        return attendant.nudged();
      case "brake": {
        const { engaged, reason, brakes } = message.value;
        attendant.braked(engaged, reason.slice(0, REASON_LENGTH_MAX), fromBrakes(brakes, VERDICT_BRAKES_MAX));
        return undefined;
      }
      case "drain":
        this.#reconnectWithinMs = message.value.reconnectWithinMs;
        this.#parts.line.leave();
        return undefined;
      case undefined:
        // A kind that a newer coordinator knows.
        return undefined;
    }
  }
}
