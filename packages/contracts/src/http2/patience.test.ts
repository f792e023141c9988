import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Patience } from "./patience.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("each is late after its own time, by one timer, and not where it was done in time", () => {
  const late: string[] = [];
  const patience = new Patience<string>(100, (each) => late.push(each));
  patience.add("a");
  vi.advanceTimersByTime(40);
  patience.add("b");
  const done = patience.add("done");
  expect([vi.getTimerCount(), patience.count]).toEqual([1, 3]);
  patience.delete(done);
  patience.delete(done);
  vi.advanceTimersByTime(59);
  expect(late).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(late).toEqual(["a"]);
  vi.advanceTimersByTime(40);
  expect(late).toEqual(["a", "b"]);
  expect([vi.getTimerCount(), patience.count]).toEqual([0, 0]);
  patience.add("c");
  vi.advanceTimersByTime(100);
  expect(late).toEqual(["a", "b", "c"]);
});
