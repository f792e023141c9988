/** The Coordinator port over gRPC. */
import { create } from "@bufbuild/protobuf";
import { type ReportRequest, ReportRequestSchema } from "@moult/contracts/v1";
import type { Answer, AskInput, Attendant, Coordinator, ReportInput } from "../../ports.ts";
import { type Origin, toAskRequest } from "../../wire/ask.ts";
import { fromNodeState, toReportRequest } from "../../wire/report.ts";
import { fromAnswer } from "../../wire/verdict.ts";
import type { NodeState } from "../../update/events.ts";
import { AttendStream } from "./attend.ts";
import { Line, type LineParts } from "./line.ts";

/** The coordinators in `parts.settings`. */
export function createCoordinator(
  parts: LineParts & { readonly bootId: string },
): Coordinator & { readonly address: string } {
  return new GrpcCoordinator(parts);
}

class GrpcCoordinator implements Coordinator {
  readonly #line: Line;
  readonly #stream: AttendStream;
  readonly #parts: LineParts & { readonly bootId: string };
  #sequence = 0n;
  #node = "";

  constructor(parts: LineParts & { readonly bootId: string }) {
    this.#parts = parts;
    this.#line = new Line(parts);
    this.#stream = new AttendStream({ ...parts, line: this.#line, onNode: (node) => (this.#node = node) });
  }

  /** The coordinator that is spoken to, `host:port`. */
  get address(): string {
    return this.#line.address;
  }

  ask(input: AskInput): Promise<Answer> {
    const { rpcTimeoutMs: timeoutMs } = this.#parts.settings;
    return this.#line.call(async (client, { node, token }) => {
      const { verdict } = await client.ask(toAskRequest(input, this.#origin(node)), { timeoutMs, bearer: token });
      // An answer to something else is no answer.
      return fromAnswer(verdict?.askId === input.askId ? verdict : undefined);
    });
  }

  async report(input: ReportInput): Promise<NodeState> {
    if (input.kind === "pulse" && this.#node !== "" && this.#stream.send(this.#reportRequest(input, this.#node))) {
      return "OTHER";
    }
    const { rpcTimeoutMs: timeoutMs } = this.#parts.settings;
    return this.#line.call(async (client, { node, token }) => {
      this.#node = node;
      const { state } = await client.report(this.#reportRequest(input, node), { timeoutMs, bearer: token });
      return fromNodeState(state);
    });
  }

  attend(attendant: Attendant): void {
    if (this.#parts.settings.attend) this.#stream.run(attendant);
  }

  close(): void {
    this.#stream.close();
    this.#line.close();
  }

  #reportRequest(input: ReportInput, node: string): ReportRequest {
    return create(ReportRequestSchema, toReportRequest(input, this.#origin(node)));
  }

  /** Microseconds since the host's boot, made to rise: also after a restart of the agent, without being stored. */
  #origin(node: string): Origin {
    this.#node = node;
    const nowUs = BigInt(Math.round(this.#parts.clock.nowMs() * 1_000));
    this.#sequence = nowUs > this.#sequence ? nowUs : this.#sequence + 1n;
    return { node, bootId: this.#parts.bootId, sequence: this.#sequence };
  }
}
