import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeFolder } from "../testing/folders.ts";
import { findSyncProgram } from "./sync-program.ts";

it("finds `sync` on this system", () => {
  expect(findSyncProgram()).toMatch(/bin\/sync$/);
});

it("takes the first that can be run, and none where there is none", () => {
  const root = makeFolder();
  const [empty, whole] = [join(root, "empty"), join(root, "whole")];
  for (const folder of [empty, whole]) mkdirSync(folder);
  const program = join(whole, "sync");
  writeFileSync(program, "#!/bin/sh\n");
  chmodSync(program, 0o755);
  expect(findSyncProgram([empty, join(root, "missing"), whole])).toBe(program);
  expect(findSyncProgram([empty, join(root, "missing")])).toBeUndefined();
});
