/** How programs of the device end, and what that tells whoever started them. */

/** Told to stop, or its launcher is gone; after a wake by a timer: nothing more is due. */
export const EXIT_STOPPED = 0;

/** Something the agent cannot go on with; its last log line says what. */
export const EXIT_FAILED = 1;

/** A wake by a timer: no coordinator answered. The next one tries again. */
export const EXIT_UNREACHABLE = 69;

/** Another agent looks after this device already. */
export const EXIT_BUSY = 73;

/** The boot record has changed: read it again and start what it says. */
export const EXIT_HAND_OVER = 75;

/** The configuration cannot be used. */
export const EXIT_CONFIG = 78;
