/**
 * Tells systemd (Type=notify) that the coordinator serves, and that it stops. Node has no Unix datagrams, so each word is a
 * run of `systemd-notify`; where nobody listens, nothing runs.
 */
import { execFile } from "node:child_process";
import type { Log } from "../ports.ts";

/** `systemd-notify` stands in one of these, whatever PATH says. */
const PATH = "/usr/bin:/bin:/usr/local/bin";
/** A word that takes longer is given up, in milliseconds. */
const WORD_MS = 5_000;

/** Who started this process, and wants to know how it is. */
export interface ServiceManager {
  /** It serves. */
  readonly ready: () => void;
  /** It was told to stop, and is letting callers go. */
  readonly stopping: () => void;
}

/** The one that the environment names. */
export function serviceManager(env: Readonly<Record<string, string | undefined>>, log: Log): ServiceManager {
  const socket = env["NOTIFY_SOCKET"] ?? "";
  const say = (word: string): void => {
    if (socket === "") return;
    execFile("systemd-notify", [word], { env: { NOTIFY_SOCKET: socket, PATH }, timeout: WORD_MS }, (error) => {
      if (error !== null) log.error({ err: error }, `the service manager was not told ${word}`);
    });
  };
  return { ready: () => say("READY=1"), stopping: () => say("STOPPING=1") };
}
