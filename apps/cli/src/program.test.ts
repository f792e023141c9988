import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { FAILURES } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { runMoult } from "./testing/test-ports.ts";
import type { Ports } from "./ports.ts";

/** Every verb with its full name. */
function verbs(command: Command, path: readonly string[] = []): readonly (readonly [string, Command])[] {
  if (command.commands.length === 0) return [[path.join(" "), command]];
  return command.commands.flatMap((child) => verbs(child, [...path, child.name()]));
}

const silent = { write: () => {}, isTTY: false, columns: 80 };
const all = verbs(
  createProgram({ stdout: silent, stderr: silent, host: { os: "linux", arch: "x64" } } as unknown as Ports),
);

test("the verbs are these", () => {
  expect(all.map(([name]) => name)).toEqual([
    "key generate",
    "key show",
    "key tls",
    "key pin",
    "root init",
    "root rotate",
    "root sign",
    "root merge",
    "root show",
    "release build",
    "release allow",
    "release sign",
    "release merge",
    "release verify",
    "release delta",
    "release publish",
    "release list",
    "release get",
    "release recall",
    "metadata publish",
    "metadata renew",
    "metadata status",
    "metadata mirror",
    "dial get",
    "dial set",
    "nudge",
    "override create",
    "override list",
    "override delete",
    "brake engage",
    "brake release",
    "brake sign",
    "brake submit",
    "brake status",
    "fleet get",
    "fleet watch",
    "coordinator status",
    "node explain",
    "node readmit",
    "event list",
    "event watch",
    "token create",
    "token list",
    "token revoke",
    "operator cert",
    "audit verify",
    "audit tail",
    "audit export",
    "audit prove",
    "audit key",
    "witness serve",
    "witness key",
    "simulate",
  ]);
});

describe.each(all)("moult %s", (name, verb) => {
  test("has help with an example of itself, and forms for its answer", async () => {
    const help = await runMoult([...name.split(" "), "--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toMatch(/\nExamples?:\n/);
    expect(help.stdout).toContain(`  $ moult ${name}`);
    expect(help.stdout).toContain("-o, --output <form>");
    expect(verb.summary()).not.toMatch(/\.$/);
  });

  test("refuses options and forms that are not there", async () => {
    expect(await runMoult([...name.split(" "), "--bogus"])).toMatchObject({ code: 2, stdout: "" });
    expect(await runMoult([...name.split(" "), "-o", "xml"])).toMatchObject({ code: 2, stdout: "" });
  });
});

test("help shows each exit code once", async () => {
  const { stdout, code } = await runMoult(["--help"]);
  expect(code).toBe(0);
  const codes = Object.values(FAILURES).map((failure) => failure.exitCode);
  expect(new Set(codes).size).toBe(codes.length);
  for (const { exitCode, meaning } of Object.values(FAILURES)) expect(stdout).toContain(`  ${exitCode}  ${meaning}\n`);
});

test("nothing said is a question of usage", async () => {
  expect((await runMoult([])).code).toBe(2);
  expect((await runMoult(["release"])).code).toBe(2);
  expect(await runMoult(["releese"])).toMatchObject({ code: 2, stdout: "" });
});
