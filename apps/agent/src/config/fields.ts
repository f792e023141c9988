/** The kinds of values a configuration has, each with the sentence for whoever got it wrong. */
import { z } from "zod";

/** A day: nothing here is sensibly longer. */
export const DAY_MS = 86_400_000;

/** Whole milliseconds. */
export function duration(minMs: number, maxMs: number = DAY_MS): z.ZodNumber {
  return z
    .number({ error: "must be a number of milliseconds" })
    .int({ error: "must be a whole number of milliseconds" })
    .min(minMs, { error: `must be at least ${minMs} ms` })
    .max(maxMs, { error: `must be at most ${maxMs} ms` });
}

/** A whole number, without a unit or with that of its key. */
export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): z.ZodNumber {
  return z
    .number({ error: "must be a number" })
    .int({ error: "must be a whole number" })
    .min(min, { error: `must be at least ${min}` })
    .max(max, { error: `must be at most ${max}` });
}

/** Text of a bounded length. */
export function text(lengthMax: number): z.ZodString {
  return z.string({ error: "must be text" }).max(lengthMax, { error: `must have at most ${lengthMax} characters` });
}

/** Keys and values of labels. */
export const name: z.ZodString = z.string({ error: "must be text" }).regex(/^[A-Za-z0-9._-]{1,63}$/, {
  error: "must be 1 to 63 letters, digits, - _ or .",
});
