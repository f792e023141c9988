/**
 * Connections to PostgreSQL, and its errors in our words. No statement is timed out on the server: one that is cancelled
 * while it waits for a standby is reported as committed, so the deadline is the client's, who breaks the connection.
 */
import postgres, { type Sql } from "postgres";
import { StoreError, type StoreErrorCode } from "../port.ts";

/** Who does not answer a connection in this time is not there. */
const CONNECT_TIMEOUT_S = 10;

/** Between two attempts: a takeover takes seconds, and no longer than its server. */
const CONNECT_AGAIN_S = 0.25;

/**
 * A process that is stopped in the middle of a transaction holds the rows of its pools; after this the server ends it, so
 * that another can take over.
 */
const IDLE_IN_TRANSACTION_MS = 3_000;

/** One place to connect to. */
export interface PostgresPlace {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with `?sslmode=…` and the like. */
  readonly url: string;
  /** For messages: the same without what is secret. */
  readonly name: string;
}

/** The place that a URL names. Throws StoreError UNREADABLE where it is none. */
export function placeOf(url: string): PostgresPlace {
  if (!URL.canParse(url)) throw new StoreError("UNREADABLE", "the store's URL is none: postgres://HOST/DATABASE");
  const { hostname, port, pathname } = new URL(url);
  const host = hostname === "" ? "localhost" : hostname;
  return { url, name: `postgres://${host}${port === "" ? "" : `:${port}`}${pathname}` };
}

/** Who hears what a connection has to say. */
export interface Listener {
  /** A warning of the server's. */
  readonly warned: (message: string) => void;
  /** A connection ended. */
  readonly closed: () => void;
}

/** At most `connectionsMax` connections, made when they are wanted. */
export function connect(place: PostgresPlace, connectionsMax: number, listener?: Listener): Sql {
  return postgres(place.url, {
    max: connectionsMax,
    connect_timeout: CONNECT_TIMEOUT_S,
    backoff: () => CONNECT_AGAIN_S,
    // Statements are prepared once a connection; a connection that is replaced forgets them.
    max_lifetime: null,
    onnotice: ({ severity, message }) => {
      if (severity === "WARNING") listener?.warned(message ?? "");
    },
    onclose: () => listener?.closed(),
    connection: {
      application_name: "moult-coordinator",
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      default_transaction_isolation: "read committed",
      client_encoding: "UTF8",
    },
  });
}

/** Does it, and turns whatever the driver or the server throws into a StoreError. */
export async function guarded<T>(code: StoreErrorCode, message: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw storeError(code, message, cause);
  }
}

/** The error as a StoreError; one that is one already stays what it is. */
export function storeError(code: StoreErrorCode, message: string, cause: unknown): StoreError {
  return cause instanceof StoreError ? cause : new StoreError(code, `${message}: ${why(cause)}`, { cause });
}

/** The reason in a few words. An address that refuses on both families has an error without a message of its own. */
function why(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map(why).join(", ");
  return (cause as Error).message;
}

/** SQLSTATE of a server's error; undefined for everything else. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof postgres.PostgresError ? error.code : undefined;
}

/** The constraint that a server's error is about. */
export function constraintOf(error: unknown): string | undefined {
  return error instanceof postgres.PostgresError ? error.constraint_name : undefined;
}
