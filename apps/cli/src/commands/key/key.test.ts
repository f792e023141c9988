import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { derivePublicKey, formatPublicKey, keyId, readKeyFile } from "@moult/trust";
import { expect, test } from "vitest";
import { temporaryFolders } from "../../testing/temporary-folder.ts";
import { runMoult } from "../../testing/test-ports.ts";

const folder = temporaryFolders();

test("a new key is kept for its owner only, and its public half is shown", async () => {
  const file = join(folder(), "a.key");
  const made = await runMoult(["key", "generate", "--out", file, "-o", "json"]);
  expect(made.code).toBe(0);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const publicKey = derivePublicKey(readKeyFile(readFileSync(file, "utf8")));
  const shown = { publicKey: formatPublicKey(publicKey), keyId: keyId(publicKey), file };
  expect(JSON.parse(made.stdout)).toEqual(shown);
  const again = await runMoult(["key", "show", file, "-o", "json"]);
  expect(again).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(again.stdout)).toEqual(shown);
  const table = await runMoult(["key", "show", file]);
  expect(table.stdout).toBe(`public key  ${shown.publicKey}\nkey id      ${shown.keyId}\nfile        ${file}\n`);
});

test("a key file that is there is never replaced", async () => {
  const file = join(folder(), "a.key");
  writeFileSync(file, "precious");
  const made = await runMoult(["key", "generate", "--out", file]);
  expect(made).toMatchObject({ code: 2, stdout: "", stderr: `moult: ${file}: it exists already\n` });
  expect(readFileSync(file, "utf8")).toBe("precious");
});

test("a key that others can read is used with a warning", async () => {
  const file = join(folder(), "a.key");
  await runMoult(["key", "generate", "--out", file]);
  chmodSync(file, 0o640);
  const shown = await runMoult(["key", "show", file]);
  expect(shown.code).toBe(0);
  expect(shown.stderr).toBe(`warning: others on this machine can read ${file}; run: chmod 600 ${file}\n`);
});

test("a file that is no key is called that, and its text is not shown", async () => {
  const file = join(folder(), "a.key");
  writeFileSync(file, "a secret of another kind", { mode: 0o600 });
  const shown = await runMoult(["key", "show", file]);
  expect(shown.code).toBe(2);
  expect(shown.stderr).toContain("holds no Ed25519 private key");
  expect(shown.stderr).not.toContain("secret");
  expect((await runMoult(["key", "show", join(folder(), "none")])).stderr).toMatch(
    /there is no such file or folder\n$/,
  );
});
