/** Calls that stream in both directions. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { answerStream } from "./answer-stream.ts";
import { ServerCall } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { Frame } from "./framing.ts";
import type { ServedMethod } from "./method.ts";
import { Packed, Requests } from "./requests.ts";

/** Many requests, many answers. */
export class BidiCall extends ServerCall {
  readonly #requests: Requests;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, method: ServedMethod, connection: Connection) {
    super(stream, headers, method, connection);
    this.#requests = new Requests(stream);
  }

  override begin(): void {
    super.begin();
    if (this.isOver) return;
    if (this.admission === undefined) void answerStream(this, this.#requests);
    else this.admission.then(() => answerStream(this, this.#requests)).catch(() => this.#requests.fail());
  }

  override closed(): void {
    super.closed();
    this.#requests.fail();
  }

  override onFrame(frame: Frame): void {
    // What is compressed is unpacked when it is read: one message at a time, whatever it makes.
    const request = frame.isCompressed ? new Packed(() => this.decode(frame)) : this.decode(frame);
    this.#requests.put(request, frame.bytes.length);
  }

  override onEnd(): void {
    this.#requests.end();
  }
}
