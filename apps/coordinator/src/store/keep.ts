/** How long the store keeps what is of use for a time only. The same on every engine. */

/** Remembered answers are kept for a day: longer than any client goes on retrying. */
export const REQUEST_KEEP_MS = 86_400_000;

/** Tokens are kept thirty days after their end, so that "expired" can be told from "unknown". */
export const TOKEN_KEEP_MS = 2_592_000_000;
