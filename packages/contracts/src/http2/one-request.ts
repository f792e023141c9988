/** Calls with one request: it is read as it comes, and answered once the caller has said that there is no other. */
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import { ServerCall } from "./call.ts";
import type { Frame } from "./framing.ts";
import { answerStream } from "./answer-stream.ts";

/** A call whose method takes one message. */
abstract class OneRequestCall extends ServerCall {
  #request: unknown;
  #later: Promise<unknown> | undefined;
  #has = false;

  override onFrame(frame: Frame): void {
    if (this.#has) throw countWrong("more than one message came for a method that takes one");
    this.#has = true;
    const request = this.decode(frame);
    if (!(request instanceof Promise)) {
      this.#request = request;
      return;
    }
    this.#later = request;
    request.catch((error: unknown) => this.fail(error));
  }

  override onEnd(): void {
    if (!this.#has) return this.fail(countWrong("no message came for a method that takes one"));
    void this.answer();
  }

  /** Waits for what is not there yet: the caller's admission, and a request that is being unpacked. */
  protected get isWaiting(): boolean {
    return this.admission !== undefined || this.#later !== undefined;
  }

  protected async wait(): Promise<void> {
    await this.admission;
    if (this.#later !== undefined) this.#request = await this.#later;
  }

  protected get request(): unknown {
    return this.#request;
  }

  /** Never rejects. */
  protected abstract answer(): Promise<void>;
}

/** One request, one answer. */
export class UnaryCall extends OneRequestCall {
  protected override async answer(): Promise<void> {
    try {
      if (this.isWaiting) await this.wait();
      const answer = await this.method.run(this.request, this);
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
  protected override async answer(): Promise<void> {
    try {
      if (this.isWaiting) await this.wait();
    } catch (error) {
      return this.fail(error);
    }
    await answerStream(this, this.request);
  }
}

function countWrong(message: string): RpcError {
  return new RpcError(status.UNIMPLEMENTED, ErrorReason.UNSPECIFIED, message);
}
