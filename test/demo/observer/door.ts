/** One workload's `/healthz`, knocked at over a kept connection. It reports what came back and judges nothing. */
import { Agent, get } from "node:http";
import type { Answer } from "./sight.ts";

/** A door that stays shut this long does not count as open, in milliseconds: a busy machine may be slow, not away. */
const TIMEOUT_MS = 1000;

/** Asks one node how it is. */
export class Door {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #knocking = false;

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}/healthz`;
  }

  /** Tells what the node answered, or undefined. While an earlier knock is still out, does nothing. */
  async knock(tell: (answer: Answer | undefined) => void): Promise<void> {
    if (this.#knocking) return;
    this.#knocking = true;
    tell(await this.#ask());
    this.#knocking = false;
  }

  #ask(): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const request = get(this.#url, { agent: this.#agent, timeout: TIMEOUT_MS }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("error", () => resolve(undefined));
        response.on("end", () => resolve(JSON.parse(text) as Answer));
      });
      request.on("timeout", () => request.destroy(new Error("no answer")));
      request.on("error", () => resolve(undefined));
    });
  }
}
