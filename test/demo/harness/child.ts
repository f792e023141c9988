/** The child's end of the pipe to the process that started it. A child does not outlive its parent. */

/** Sends a message, or nothing where nobody listens. */
export function tellParent(message: object): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** Runs `end` when the parent is gone. */
export function whenParentEnds(end: () => void): void {
  process.once("disconnect", end);
}

/** Hands each message of the parent to `take`, which knows what its parent sends. */
export function onParentMessage(take: (message: unknown) => void): void {
  process.on("message", take);
}
