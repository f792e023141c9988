/** How many leaves a stored checkpoint covers: the second line of its text. For people to read; nothing is decided by it. */
export function signedSizeOf(checkpoint: Uint8Array | null | undefined): number {
  if (checkpoint === null || checkpoint === undefined) return 0;
  const [, size = ""] = Buffer.from(checkpoint).toString("utf8").split("\n", 2);
  return /^\d{1,15}$/.test(size) ? Number(size) : 0;
}
