/** One request, asked once. Anything but a whole answer with status 200 in time is a failure. */
import { type Agent, get } from "node:http";
import type { Ending } from "./tally.ts";

/** Sends `GET url`; resolves when it has ended, and never rejects. */
export function ask(url: string, agent: Agent, timeoutMs: number): Promise<Ending> {
  return new Promise((resolve) => {
    let node: string | undefined;
    const fail = (reason: string): void => resolve({ ok: false, reason, node, version: undefined });
    const request = get(url, { agent }, (response) => {
      const header = response.headers["x-moult-node"];
      node = typeof header === "string" ? header : undefined;
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("error", () => fail("cut off"));
      response.on("end", () => {
        clearTimeout(timer);
        if (response.statusCode === 200) resolve({ ok: true, reason: "", node, version: versionIn(text) });
        else fail(String(response.statusCode));
      });
    });
    const timer = setTimeout(() => {
      fail("timeout");
      request.destroy();
    }, timeoutMs);
    request.on("error", (error) => {
      clearTimeout(timer);
      fail("code" in error ? String(error.code) : "error");
    });
  });
}

function versionIn(text: string): string | undefined {
  return /"version":"([^"]*)"/.exec(text)?.[1];
}
