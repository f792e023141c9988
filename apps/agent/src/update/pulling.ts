/** A build has been staged, or could not be. */
import type { At } from "./at.ts";
import { enterAsking } from "./asking.ts";
import type { EventOf, Step } from "./events.ts";
import { forget, remember, stay, turnDown } from "./moves.ts";
import type { Machine, Pulling } from "./state.ts";

type In<P> = Machine & { readonly phase: P };

/** PULLING + PULLED: now leave can be asked for. */
export function takeStaged(machine: In<Pulling>, event: EventOf<"PULLED">, at: At): Step<Machine> {
  if (event.build.digest !== machine.phase.target.digest) return stay(machine);
  return enterAsking(remember(forget(machine, "setback"), { staged: event.build }), at, "");
}

/** PULLING + PULL_FAILED: said once, and not tried again for a while. */
export function giveUpPull(machine: In<Pulling>, event: EventOf<"PULL_FAILED">, at: At): Step<Machine> {
  const { digest, reason, message, stagedLost } = event;
  if (digest !== machine.phase.target.digest) return stay(machine);
  const left = stagedLost ? forget(machine, "staged") : machine;
  return turnDown(left, { digest, permitId: "" }, { reason, message }, at);
}
