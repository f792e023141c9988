import { expect, test } from "vitest";
import { Topic } from "./topics.ts";

test("a later message about the same thing takes the earlier one's place, in the order of first arrival", async () => {
  const end = new AbortController();
  const topic = new Topic<string>();
  const mailbox = topic.subscribe(end.signal, "all");
  topic.send("n1", "n1 leaves");
  topic.send("n2", "n2 leaves");
  topic.send("n1", "n1 is away");
  const reader = mailbox[Symbol.asyncIterator]();
  expect((await reader.next()).value).toEqual(["n1 is away", "n2 leaves"]);
  const waiting = reader.next();
  topic.send("n3", "n3 leaves");
  expect((await waiting).value).toEqual(["n3 leaves"]);
  const last = reader.next();
  end.abort();
  expect((await last).done).toBe(true);
});

test("only whom it concerns is told, and nobody who has gone", () => {
  const end = new AbortController();
  const topic = new Topic<string>();
  topic.subscribe(end.signal, "a");
  topic.subscribe(new AbortController().signal, "b");
  topic.subscribe(AbortSignal.abort(), "c");
  expect(topic.send("k", "m")).toEqual(new Set(["a", "b"]));
  expect(topic.send("k", "m", (about) => about === "a")).toEqual(new Set(["a"]));
  end.abort();
  expect(topic.send("k", "m")).toEqual(new Set(["b"]));
});
