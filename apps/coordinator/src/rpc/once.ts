/**
 * Operators' requests take effect once: a repeat of a `request_id` gets the first answer. Looking it up, deciding and
 * remembering are one move, so that a repeat waits for the same commit and is refused while the store is.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Move } from "../ledger/owner.ts";
import type { RequestMemory } from "./request-memory.ts";

/** The method's messages. */
export interface MethodShape<I extends DescMessage, O extends DescMessage> {
  readonly input: I;
  readonly output: O;
}

/** `move`, unless this request was answered before. */
export function once<I extends DescMessage, O extends DescMessage>(
  memory: () => RequestMemory,
  { input, output }: MethodShape<I, O>,
  request: MessageShape<I> & { readonly requestId: string },
  move: Move<MessageShape<O>>,
): Move<MessageShape<O>> {
  return (ledger, now) => {
    const first = memory().recall(request.requestId, input, request, output);
    if (first !== undefined) return { answer: first, changes: [], effects: [] };
    const step = move(ledger, now);
    const kept = memory().keep(request.requestId, input, request, output, step.answer, now);
    return { ...step, changes: [...step.changes, ...kept] };
  };
}
