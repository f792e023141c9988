/** One wake by a timer: what tells the agent so. */

/** In the agent's environment: `1` where it is to end as soon as nothing is due any more. */
export const ONCE_VARIABLE = "MOULT_ONCE";
