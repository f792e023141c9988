import { expect, test } from "vitest";
import { Attending } from "./attending.ts";

test("a node is due once its last stream has been over for long enough", () => {
  const attending = new Attending();
  attending.began("a");
  attending.began("a");
  attending.ended("a", 10);
  expect(attending.takeDue(1000, 100)).toEqual([]);
  attending.ended("a", 20);
  expect(attending.takeDue(119, 100)).toEqual([]);
  expect(attending.takeDue(120, 100)).toEqual([{ nodeId: "a", sinceMs: 20 }]);
  expect(attending.takeDue(1000, 100)).toEqual([]);
});

test("a node that attends again in time is not due", () => {
  const attending = new Attending();
  attending.began("a");
  attending.ended("a", 10);
  attending.began("a");
  expect(attending.takeDue(1000, 100)).toEqual([]);
});

test("nodes are due in the order in which they left", () => {
  const attending = new Attending();
  for (const node of ["a", "b"]) attending.began(node);
  attending.ended("b", 10);
  attending.ended("a", 20);
  expect(attending.takeDue(110, 100)).toEqual([{ nodeId: "b", sinceMs: 10 }]);
  expect(attending.takeDue(120, 100)).toEqual([{ nodeId: "a", sinceMs: 20 }]);
});
