/** The process's log: pino, one JSON object a line. What is secret is taken out wherever it may have got into the facts. */
import pino, { type DestinationStream, type Logger } from "pino";

/** Names under which a secret could stand in a line's facts; none should, and this is the second lock. */
const SECRET = [
  "token",
  "secret",
  "password",
  "authorization",
  "privateKey",
  "key_pem",
  "sessionToken",
  "enrollmentToken",
];
const REMOVED = "(removed)";

/** A URL's user and password. */
const CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;

/** Makes it; `level` is the least that is written. */
export function processLog(level: string, network: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { service: "coordinator", network },
      redact: { paths: SECRET.flatMap((name) => [name, `*.${name}`]), censor: REMOVED },
      serializers: { err: (error: unknown) => (error instanceof Error ? withoutCredentials(error) : error) },
    },
    destination,
  );
}

function withoutCredentials(error: Error): object {
  const { type, message, stack } = pino.stdSerializers.err(error);
  const code = (error as NodeJS.ErrnoException).code;
  const clean = (text: string): string => text.replace(CREDENTIALS, "$1");
  return { type, message: clean(message), stack: clean(stack), ...(code === undefined ? {} : { code }) };
}
