/**
 * The line to the coordinators: one channel at a time, a session on it, and the change to the next address when one
 * does not answer. Repeating failed calls is the caller's business, but for the one that a new session may mend.
 */
import type { ClientOptions } from "@grpc/grpc-js";
import { type Client, createClient } from "@moult/contracts";
import { AgentService } from "@moult/contracts/v1";
import type { WireSettings } from "../../config/settings.ts";
import type { CallError, Chance, Clock, Log } from "../../ports.ts";
import type { Identity } from "../identity.ts";
import { FloorCredentials } from "../tls/channel-credentials.ts";
import type { PeerTrust } from "../tls/peer-trust.ts";
import { asCallError, isAddressBad, isSessionLost } from "./errors.ts";
import { type Session, openSession } from "./session.ts";

/** What a line needs. */
export interface LineParts {
  readonly settings: WireSettings;
  /** By whom coordinators' certificates are judged, and by what time. */
  readonly trust: PeerTrust;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly chance: Chance;
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
  // Of a name's addresses any one, so that they share the fleet; the next where it cannot be connected to.
  "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ pick_first: { shuffleAddressList: true } }] }),
  // And no looking for another one in the name system.
  "grpc.service_config_disable_resolution": 1,
  // A verdict and a nudge are small; whatever is larger is not from a coordinator.
  "grpc.max_receive_message_length": 1_048_576,
};

type AgentClient = Client<typeof AgentService>;
type Use<T> = (client: AgentClient, session: Session) => Promise<T>;

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
  #closed = false;

  constructor(parts: LineParts) {
    this.#parts = parts;
    // A fleet with one list of addresses spreads over them; each device then stays where it is answered.
    this.#place = Math.floor(parts.chance.roll() * parts.settings.coordinators.length);
  }

  /**
   * Calls with an open session, at one address after the other until one answers; once more with a fresh session where
   * the session was the trouble. Throws CallError.
   */
  call<T>(use: Use<T>): Promise<T> {
    return this.#call(use, this.#parts.settings.coordinators.length);
  }

  /** The same at the present address alone; where it does not answer, the next call goes elsewhere. */
  callOnce<T>(use: Use<T>): Promise<T> {
    return this.#call(use, 1);
  }

  async #call<T>(use: Use<T>, addresses: number): Promise<T> {
    this.#calls += 1;
    try {
      for (let tries = 1; ; tries += 1) {
        try {
          return await this.#withSession(use);
        } catch (error) {
          if (!isAddressBad(error) || tries >= addresses || this.#closed) throw error;
        }
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

  /** The address that is spoken to, or would be next: `host:port`. */
  get address(): string {
    const { coordinators } = this.#parts.settings;
    return coordinators[this.#place % coordinators.length] ?? "";
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
    this.#closed = true;
    this.#drop();
  }

  #drop(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async #withSession<T>(use: Use<T>): Promise<T> {
    try {
      return await this.#tryOnce(use);
    } catch (error) {
      if (!isSessionLost(error)) throw error;
      this.#session = undefined;
      return this.#tryOnce(use);
    }
  }

  async #tryOnce<T>(use: Use<T>): Promise<T> {
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
    const { keepaliveIntervalMs, keepaliveTimeoutMs } = this.#parts.settings;
    const { address } = this;
    if (this.#client === undefined) {
      const credentials = new FloorCredentials(this.#parts.trust, address);
      this.#client = createClient(AgentService, address, credentials, {
        ...OPTIONS,
        // Sent only while the stream is open. Routers forget a connection that is quiet for as little as 30 s.
        "grpc.keepalive_time_ms": keepaliveIntervalMs,
        "grpc.keepalive_timeout_ms": keepaliveTimeoutMs,
      });
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
    this.#drop();
  }

  /** Said once when the coordinators fall silent, and once when one answers again (then a session is opened). */
  #noteReach(silence: string | undefined): void {
    if (silence !== undefined && !this.#silent) this.#parts.log.warn({}, `no coordinator answers: ${silence}`);
    this.#silent = silence !== undefined;
  }

  /** Without a stream the channel is closed between calls: nothing is held open at a stranger's router. */
  #rest(): void {
    if (this.#calls === 0 && this.#holds === 0) this.#drop();
  }
}
