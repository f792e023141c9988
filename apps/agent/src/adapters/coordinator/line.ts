/**
 * The line to the coordinators: one channel at a time, a session on it, and the change to the next address when one
 * does not answer. Repeating failed calls is the caller's business, but for the one that a new session may mend.
 */
import type { ClientOptions } from "@grpc/grpc-js";
import { type Client, createClient, secureChannel } from "@moult/contracts";
import { AgentService } from "@moult/contracts/v1";
import type { WireSettings } from "../../config/settings.ts";
import { type CallError, type Clock, type Log } from "../../ports.ts";
import type { Identity } from "../identity.ts";
import { asCallError, isAddressBad, isSessionLost } from "./errors.ts";
import { type Session, openSession } from "./session.ts";

/** What a line needs. */
export interface LineParts {
  readonly settings: WireSettings;
  /** PEM of the authority that coordinators' certificates are signed by. */
  readonly ca: string;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log: Log;
  /** A coordinator knows this device: called after each session that was opened. */
  readonly onAdmitted?: () => void;
}

/** Reasons for which a device is not let in, and which only people can change. */
const REFUSALS: ReadonlySet<string> = new Set(["NODE_UNKNOWN", "TOKEN_UNKNOWN", "TOKEN_EXPIRED", "TOKEN_USED_UP"]);

/** After one of them no session is tried for this long, in milliseconds. */
const REFUSAL_PAUSE_MS = 5_000;

const OPTIONS: ClientOptions = {
  // A channel of one's own: another one's failures must not delay this one's next try.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 250,
  "grpc.max_reconnect_backoff_ms": 5_000,
  // Home routers forget a quiet connection after 30 s.
  "grpc.keepalive_time_ms": 25_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // A verdict and a nudge are small; whatever is larger is not from a coordinator.
  "grpc.max_receive_message_length": 1_048_576,
};

type AgentClient = Client<typeof AgentService>;

/** One line. */
export class Line {
  readonly #parts: LineParts;
  #place = 0;
  #client: AgentClient | undefined;
  #session: Session | undefined;
  #opening: Promise<Session> | undefined;
  #refusal: { readonly error: CallError; readonly untilMs: number } | undefined;
  #calls = 0;
  #holds = 0;
  #silent = false;

  constructor(parts: LineParts) {
    this.#parts = parts;
  }

  /** Calls with an open session; once more with a fresh one where the session was the trouble. Throws CallError. */
  async call<T>(use: (client: AgentClient, session: Session) => Promise<T>): Promise<T> {
    this.#calls += 1;
    try {
      try {
        return await this.#tryOnce(use);
      } catch (error) {
        if (!isSessionLost(error)) throw error;
        this.#session = undefined;
        return await this.#tryOnce(use);
      }
    } catch (error) {
      const failure = asCallError(error);
      this.#noteReach(failure.code === "UNREACHABLE" ? failure.message : undefined);
      throw failure;
    } finally {
      this.#calls -= 1;
      this.#rest();
    }
  }

  /** Keeps the channel open between calls until `release`. */
  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    this.#holds -= 1;
    this.#rest();
  }

  /** The coordinator is about to stop: the next call goes elsewhere. */
  leave(): void {
    if (this.#client !== undefined) this.#changeAddress(this.#client);
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #tryOnce<T>(use: (client: AgentClient, session: Session) => Promise<T>): Promise<T> {
    const client = this.#channel();
    try {
      const session = await this.#openedSession();
      const result = await use(client, session);
      this.#noteReach(undefined);
      return result;
    } catch (error) {
      if (isAddressBad(error)) this.#changeAddress(client);
      throw error;
    }
  }

  #channel(): AgentClient {
    const { coordinators } = this.#parts.settings;
    const address = coordinators[this.#place % coordinators.length] ?? "";
    if (this.#client === undefined) {
      const channel = secureChannel(address, this.#parts.ca);
      this.#client = createClient(AgentService, address, channel.credentials, { ...OPTIONS, ...channel.options });
    }
    return this.#client;
  }

  /** One opening at a time, shared by all who wait for it. */
  #openedSession(): Promise<Session> {
    const { clock } = this.#parts;
    if (this.#session !== undefined && clock.nowMs() < this.#session.renewAtMs) return Promise.resolve(this.#session);
    if (this.#refusal !== undefined && clock.nowMs() < this.#refusal.untilMs)
      return Promise.reject(this.#refusal.error);
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #open(): Promise<Session> {
    const { identity, settings, clock, log } = this.#parts;
    try {
      const session = await openSession(this.#channel(), identity, settings, clock.nowMs);
      this.#session = session;
      this.#refusal = undefined;
      log.info({ node: session.node }, "session opened");
      this.#parts.onAdmitted?.();
      return session;
    } catch (error) {
      const failure = asCallError(error);
      if (REFUSALS.has(failure.reason)) {
        this.#refusal = { error: failure, untilMs: clock.nowMs() + REFUSAL_PAUSE_MS };
        log.warn({ reason: failure.reason }, `no session: ${failure.message}`);
      }
      throw error;
    }
  }

  /** A new channel also when there is only one address: grpc's own wait after a failure is not ours. */
  #changeAddress(from: AgentClient): void {
    if (this.#client !== from) return;
    if (this.#parts.settings.coordinators.length > 1) this.#session = undefined;
    this.#place += 1;
    this.close();
  }

  /** Said once when the coordinators fall silent, and once when one answers again (then a session is opened). */
  #noteReach(silence: string | undefined): void {
    if (silence !== undefined && !this.#silent) this.#parts.log.warn({}, `no coordinator answers: ${silence}`);
    this.#silent = silence !== undefined;
  }

  /** Without a stream the channel is closed between calls: nothing is held open at a stranger's router. */
  #rest(): void {
    if (this.#calls === 0 && this.#holds === 0) this.close();
  }
}
