/** The demo's command line. */
import { describe, expect, it } from "vitest";
import { OptionError, readOptions } from "./options.ts";

describe("readOptions", () => {
  it("has a plain run as its default", () => {
    expect(readOptions([])).toEqual({
      json: false,
      keep: false,
      forceCapacityGate: false,
      nodes: 12,
      seed: 1,
      logsTo: undefined,
      help: false,
    });
  });

  it("takes every option", () => {
    const words = ["--json", "--keep", "--force-gate", "3", "--nodes", "6", "--seed", "9", "--logs", "out", "--help"];
    expect(readOptions(words)).toEqual({
      json: true,
      keep: true,
      forceCapacityGate: true,
      nodes: 6,
      seed: 9,
      logsTo: "out",
      help: true,
    });
  });

  it.each([
    [["--force-gate", "1"], "only gate 3"],
    [["--nodes", "1"], "from 4 to 40"],
    [["--nodes", "six"], "from 4 to 40"],
    [["--frobnicate"], "frobnicate"],
    [["now"], "now"],
  ])("refuses %j and says why", (words, why) => {
    expect(() => readOptions(words)).toThrow(OptionError);
    expect(() => readOptions(words)).toThrow(why);
  });
});
