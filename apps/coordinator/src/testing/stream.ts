/** What comes down a stream, kept as it comes, so that a test may ask for it in any order. */
import { until } from "./wait.ts";

/** The part of a grpc-js stream that is listened to. */
export interface Readable<T> {
  on(event: "data", listener: (message: T) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  cancel(): void;
}

/** A stream that is listened to. */
export interface Listened<T> {
  readonly messages: T[];
  /** How it failed; undefined while it runs, and where it ended well. */
  readonly error: () => Error | undefined;
  readonly ended: () => boolean;
  /** The first message, of those that have come or will come, that fits. */
  readonly find: (what: string, fits: (message: T) => boolean) => Promise<T>;
  readonly cancel: () => void;
}

/** Listens from now on. */
export function listen<T>(stream: Readable<T>): Listened<T> {
  const messages: T[] = [];
  let error: Error | undefined;
  let ended = false;
  stream.on("data", (message) => messages.push(message));
  stream.on("error", (why) => {
    error = why;
  });
  stream.on("end", () => {
    ended = true;
  });
  return {
    messages,
    error: () => error,
    ended: () => ended,
    find: (what, fits) => until(what, () => messages.find(fits)),
    cancel: () => stream.cancel(),
  };
}
