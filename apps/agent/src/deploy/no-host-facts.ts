/** Stands in for the parts of systeminformation that a bundle leaves out. There is nothing in it to be called. */
export const leftOut = true;
