/** How an agent's end tells its launcher what to do next. */

/** Told to stop, or its launcher is gone. */
export const EXIT_STOPPED = 0;

/** Something the agent cannot go on with; its last log line says what. */
export const EXIT_FAILED = 1;

/** The boot record has changed: read it again and start what it says. */
export const EXIT_HAND_OVER = 75;

/** The configuration cannot be used. */
export const EXIT_CONFIG = 78;
