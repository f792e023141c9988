/** HTTP byte ranges (RFC 9110, section 14), one range a request. */

/** The part of a body to send; UNSATISFIABLE for a range that begins behind its end. */
export type Range = { readonly start: number; readonly end: number } | "WHOLE" | "UNSATISFIABLE";

/** Reads a Range header for a body of `length` bytes. What is not understood is ignored, as the RFC wants. */
export function readRange(header: string | undefined, length: number): Range {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "");
  if (match === null) return "WHOLE";
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return "WHOLE";
  if (first === "") {
    const count = Math.min(Number(last), length);
    return count === 0 ? "UNSATISFIABLE" : { start: length - count, end: length - 1 };
  }
  const start = Number(first);
  const end = last === "" ? length - 1 : Math.min(Number(last), length - 1);
  if (last !== "" && Number(last) < start) return "WHOLE";
  return start >= length ? "UNSATISFIABLE" : { start, end };
}
