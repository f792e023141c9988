/** How long a caller waits: `grpc-timeout`, at most eight digits and a unit. Source: gRPC over HTTP2 (Timeout). */

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };
/** The longest that a timer of Node waits, in milliseconds: 24.8 days. What is longer is as none. */
export const TIMEOUT_MS_MAX: number = 2_147_483_647;

/** The value in milliseconds, 0 to Infinity; undefined where it is malformed. Infinity is more than a timer takes. */
export function parseTimeoutMs(text: string): number | undefined {
  if (!/^\d{1,8}[HMSmun]$/.test(text)) return undefined;
  const valueMs = Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? 0);
  return valueMs > TIMEOUT_MS_MAX ? Number.POSITIVE_INFINITY : valueMs;
}
