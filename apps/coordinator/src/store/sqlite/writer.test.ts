import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Writer, type Writes, threadWriter } from "./writer.ts";

let folder: string;
let db: DatabaseSync;
let writer: Writer;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-writer-"));
  const path = join(folder, "s.db");
  db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE a (n INTEGER)");
  writer = threadWriter(path);
});
afterEach(async () => {
  await writer.close();
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

const INTO_A = "INSERT INTO a VALUES (?)";
const INTO_B = "INSERT INTO b VALUES (?)";
const TWICE = "UPDATE a SET n = n * 2 WHERE n = ?";

function one(sql: string, n: number): Writes {
  return { statements: [sql], values: [n], ends: [1] };
}

test("a statement that could not be prepared once is written when it can be, and so is every other", async () => {
  await writer.write(one(INTO_A, 1));
  await expect(writer.write(one(INTO_B, 1))).rejects.toThrow("no such table");
  db.exec("CREATE TABLE b (n INTEGER)");
  await writer.write(one(INTO_B, 2));
  await writer.write(one(TWICE, 1));
  await writer.write({ statements: [INTO_A, INTO_B], values: [3, 4], ends: [1, 2] });
  expect(db.prepare("SELECT n FROM a ORDER BY n").all()).toMatchObject([{ n: 2 }, { n: 3 }]);
  expect(db.prepare("SELECT n FROM b ORDER BY n").all()).toMatchObject([{ n: 2 }, { n: 4 }]);
});

test("what is given meanwhile is written in its order, and one that fails fails alone", async () => {
  const order: string[] = [];
  const say = (what: string) => (): number => order.push(what);
  const writes = [
    writer.write(one(INTO_A, 1)).then(say("first")),
    writer.write(one(INTO_B, 1)).then(say("nothing"), say("refused")),
    writer.write({ statements: [TWICE, INTO_A], values: [1, 5], ends: [1, 2] }).then(say("third")),
    writer.exec("CREATE TABLE b (n INTEGER)").then(say("made")),
    writer.write(one(INTO_B, 7)).then(say("fifth")),
  ];
  await Promise.all(writes);
  expect(order).toEqual(["first", "refused", "third", "made", "fifth"]);
  expect(db.prepare("SELECT n FROM a ORDER BY n").all()).toMatchObject([{ n: 2 }, { n: 5 }]);
  expect(db.prepare("SELECT n FROM b").all()).toMatchObject([{ n: 7 }]);
});

test("what cannot go to the thread takes nothing of what follows with it", async () => {
  const unsendable = { statements: [TWICE], values: [(() => 1) as never], ends: [1] };
  await expect(writer.write(unsendable)).rejects.toThrow("could not be cloned");
  await writer.write(one(INTO_A, 3));
  await writer.write(one(TWICE, 3));
  expect(db.prepare("SELECT n FROM a").all()).toMatchObject([{ n: 6 }]);
});

test("nobody waits for a thread that ended", async () => {
  await writer.exec("SELECT 1");
  const given = [writer.write(one(INTO_A, 1)), writer.write(one(INTO_A, 2))].map((write) =>
    write.then(
      () => "written",
      (error: unknown) => (error as Error).name,
    ),
  );
  await writer.close();
  expect(new Set(await Promise.all(given)).difference(new Set(["written", "WriterLost"])).size).toBe(0);
});
