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

test("a reader that waits gets all of one turn together, and what came with the end", async () => {
  const end = new AbortController();
  const mailbox = new Topic<string>().subscribe(end.signal, "all");
  const waiting = mailbox.next();
  mailbox.put("n1", "n1 leaves");
  mailbox.put("n2", "n2 leaves");
  mailbox.put("n1", "n1 is away");
  end.abort();
  expect(await waiting).toEqual({ done: false, value: ["n1 is away", "n2 leaves"] });
  expect((await mailbox.next()).done).toBe(true);
});

test("who leaves is told nothing more, and what he did not read is lost", async () => {
  const topic = new Topic<string>();
  const [read, unread] = ["a", "b"].map((about) => topic.subscribe(new AbortController().signal, about));
  if (read === undefined || unread === undefined) throw new Error("two subscribe");
  const waiting = read.next();
  topic.leave(read);
  expect((await waiting).done).toBe(true);
  topic.send("k", "m");
  topic.leave(unread);
  expect((await unread.next()).done).toBe(true);
  expect([topic.isUnheard, topic.send("k", "m").size]).toEqual([true, 0]);
});
