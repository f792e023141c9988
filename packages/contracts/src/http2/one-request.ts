/**
 * Calls with one request: it is kept as it came until the caller has said that there is no other, and then decoded and
 * answered. What is kept counts in the connection's budget, and is waited for so long and no longer: else whoever begins
 * calls and never ends them would fill the memory, and need nobody's leave for it.
 */
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import { ServerCall } from "./call.ts";
import type { Frame } from "./framing.ts";
import { answerStream } from "./answer-stream.ts";
import type { Awaited } from "./patience.ts";
import type { Failing } from "./waits.ts";

/** A call whose method takes one message. */
abstract class OneRequestCall extends ServerCall {
  #frame: Frame | undefined;
  #takenBytes = 0;
  /** While its end is waited for, and while that end crowds others out. */
  #awaited: Awaited<Failing> | undefined;
  #crowding: Awaited<Failing> | undefined;

  override begin(): void {
    super.begin();
    if (!this.isOver) this.#awaited = this.connection.waits.requests.add(this);
  }

  override onFrame({ isCompressed, bytes }: Frame): void {
    if (this.#frame !== undefined) throw countWrong("more than one message came for a method that takes one");
    const { budget, waits } = this.connection;
    // Callers that never end their calls can take all the room. Who ends it at once is served all the same.
    if (budget.take(bytes.length)) this.#takenBytes = bytes.length;
    else this.#crowding = waits.crowding.add(this);
    this.#frame = { isCompressed, bytes: alone(bytes) };
  }

  override onEnd(): void {
    this.#waitNoMore();
    if (this.#frame === undefined) return this.fail(countWrong("no message came for a method that takes one"));
    void this.answer(this.#frame);
  }

  /** The request, once the interceptor has let the call in. Throws or rejects with RpcError. */
  protected request(frame: Frame): unknown {
    if (this.admission !== undefined) return this.admission.then(() => this.#open(frame));
    return this.#open(frame);
  }

  protected override letGo(): void {
    super.letGo();
    this.#waitNoMore();
    this.#giveBack();
  }

  /** Never rejects. */
  protected abstract answer(frame: Frame): Promise<void>;

  #open(frame: Frame): unknown {
    const request = this.decode(frame);
    if (!(request instanceof Promise)) {
      this.#giveBack();
      return request;
    }
    return request.finally(() => this.#giveBack());
  }

  #waitNoMore(): void {
    const { requests, crowding } = this.connection.waits;
    if (this.#awaited !== undefined) requests.delete(this.#awaited);
    if (this.#crowding !== undefined) crowding.delete(this.#crowding);
    this.#awaited = undefined;
    this.#crowding = undefined;
  }

  #giveBack(): void {
    this.#frame = undefined;
    if (this.#takenBytes === 0) return;
    this.connection.budget.give(this.#takenBytes);
    this.#takenBytes = 0;
  }
}

/** One request, one answer. */
export class UnaryCall extends OneRequestCall {
  protected override async answer(frame: Frame): Promise<void> {
    try {
      let request = this.request(frame);
      if (request instanceof Promise) request = await request;
      const answer = await this.method.run(request, this);
      if (this.isOver || this.isGone) return;
      const over = this.method.admit?.(answer, () => this.connection.end());
      if (over !== undefined) this.stream.once("close", over);
      this.finish(this.encode(answer));
    } catch (error) {
      this.fail(error);
    }
  }
}

/** One request, many answers. */
export class ServerStreamingCall extends OneRequestCall {
  protected override async answer(frame: Frame): Promise<void> {
    let request: unknown;
    try {
      request = await this.request(frame);
    } catch (error) {
      return this.fail(error);
    }
    await answerStream(this, request);
  }
}

/** Bytes in memory of their own: those of a piece would keep all that came with them, which nobody has counted. */
function alone(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength === bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

function countWrong(message: string): RpcError {
  return new RpcError(status.UNIMPLEMENTED, ErrorReason.UNSPECIFIED, message);
}
