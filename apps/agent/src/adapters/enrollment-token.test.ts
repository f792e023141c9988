import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeFolder } from "../testing/folders.ts";
import { openEnrollmentToken, storeEnrollmentToken } from "./enrollment-token.ts";
import { nodeDisk } from "./node-disk.ts";

describe("the enrolment token", () => {
  it("is its owner's alone, is replaced as a whole, and is gone once it is erased", async () => {
    const path = join(makeFolder(), "state", "enrollment-token");
    expect((await openEnrollmentToken(nodeDisk, path)).text).toBe("");
    await storeEnrollmentToken(nodeDisk, path, "first");
    await storeEnrollmentToken(nodeDisk, path, "second");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const token = await openEnrollmentToken(nodeDisk, path);
    expect(token.text).toBe("second");
    await token.erase();
    await token.erase();
    expect(existsSync(path)).toBe(false);
  });

  it("is none where the file is larger than any token", async () => {
    const path = join(makeFolder(), "enrollment-token");
    writeFileSync(path, "x".repeat(2_000));
    await expect(openEnrollmentToken(nodeDisk, path)).resolves.toMatchObject({ text: "" });
  });
});
