/** Numbers on the command line: plain decimal, within bounds. */
import { usageError } from "../errors.ts";

/** A reader of whole numbers, `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw usageError(`"${text}" is not a whole number of ${min} to ${max}.`);
  };
}

/** A finite number above 0. */
export function positiveNumber(text: string): number {
  const value = /^\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0) return value;
  throw usageError(`"${text}" is not a number above 0.`);
}
