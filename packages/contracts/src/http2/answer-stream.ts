/** Sends what a streaming handler yields, as fast as the caller reads; ends with the call, or with the server. */
import { pump, stopped } from "../service.ts";
import type { ServerCall } from "./call.ts";

/** Runs the handler of an admitted call on `input` and sends its answers. Never rejects. */
export async function answerStream(call: ServerCall, input: unknown): Promise<void> {
  const { method, stream, signal } = call;
  const { stopping } = method;
  if (signal.aborted) return;
  stopping?.add(call);
  const write = (answer: unknown): boolean => {
    const frame = call.encode(answer);
    if (call.isOver || call.isGone) return true;
    call.respond();
    return stream.write(frame);
  };
  try {
    const answers = method.run(input, call) as AsyncIterable<unknown>;
    await pump(answers, stream, write, signal);
    if (stopping?.isOn === true && !call.isOver && !call.isGone) throw stopped();
    call.finish();
  } catch (error) {
    call.fail(error);
  } finally {
    stopping?.delete(call);
  }
}
