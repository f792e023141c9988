import { expect, test } from "vitest";
import { Stopping } from "./stopping.ts";

const stream = (told: string[], name: string): { stop: () => void } => ({ stop: () => void told.push(name) });

test("each stream that has begun and not ended is told once, and one that begins later at once", () => {
  const server = new AbortController();
  const stopping = new Stopping(server.signal);
  const told: string[] = [];
  const [first, over] = [stream(told, "first"), stream(told, "over")];
  stopping.add(first);
  stopping.add(over);
  stopping.delete(over);
  expect([stopping.isOn, told]).toEqual([false, []]);
  server.abort();
  expect([stopping.isOn, told]).toEqual([true, ["first"]]);
  stopping.add(stream(told, "late"));
  expect(told).toEqual(["first", "late"]);
});

test("a stream that ends while it is told takes nobody's word away", () => {
  const server = new AbortController();
  const stopping = new Stopping(server.signal);
  const told: string[] = [];
  const second = stream(told, "second");
  stopping.add({
    stop() {
      stopping.delete(second);
      stopping.delete(this);
      told.push("first");
    },
  });
  stopping.add(second);
  stopping.add(stream(told, "third"));
  server.abort();
  expect(told).toEqual(["first", "second", "third"]);
});
