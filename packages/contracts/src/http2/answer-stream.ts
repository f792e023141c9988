/** Sends what a streaming handler yields, as fast as the caller reads; ends with the call, or with the server. */
import { pump, stopped, streamSignal } from "../service.ts";
import type { ServerCall } from "./call.ts";

/** Runs the handler of an admitted call on `input` and sends its answers. Never rejects. */
export async function answerStream(call: ServerCall, input: unknown): Promise<void> {
  const { method, stream, signal: own, principal, metadata, peer } = call;
  const { options } = method;
  if (own.aborted) return;
  const signal = streamSignal(own, options);
  const write = (answer: unknown): boolean => {
    const frame = call.encode(answer);
    if (call.isOver || call.isGone) return true;
    call.respond();
    return stream.write(frame);
  };
  try {
    const answers = method.run(input, { principal, metadata, peer, signal }) as AsyncIterable<unknown>;
    await pump(answers, stream, write, signal);
    if (options.stopping?.aborted === true && !own.aborted) throw stopped();
    call.finish();
  } catch (error) {
    call.fail(error);
  }
}
