/** Knocks at a node that could not be reached, until it answers or there is no more reason to. It sends no work. */
import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** Between two knocks, in milliseconds: short beside the time in which requests would be missed. */
const EVERY_MS = 200;
/** A node that does not answer within this is not there, in milliseconds. */
const TIMEOUT_MS = 500;

/** Probes `endpoint` while `wanted`; true once it answered that it is well, false where it was no longer wanted. */
export async function probeUntilWell(endpoint: string, wanted: () => boolean): Promise<boolean> {
  while (wanted()) {
    if (await isWell(endpoint)) return wanted();
    await delay(EVERY_MS);
  }
  return false;
}

function isWell(endpoint: string): Promise<boolean> {
  return new Promise((resolve) => {
    // A connection of its own: a kept one could lead to the process that has gone.
    const request = get(`http://${endpoint}/healthz`, { agent: false, timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", () => resolve(false));
  });
}
