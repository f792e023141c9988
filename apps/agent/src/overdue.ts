/** An agent decides its trial itself; this many times the longest time for that later, it is clear that it cannot. */
export const OVERDUE_FACTOR = 1.5;
