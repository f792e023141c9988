import { expect, test } from "vitest";
import { readBundles, readReleases } from "../../apps/agent/src/testing/released.ts";

test("every released bundle is the one that the list names, and one release is the oldest", () => {
  const releases = readReleases(import.meta.dirname);
  for (const release of releases) expect(readBundles(import.meta.dirname, release).agent.length).toBeGreaterThan(0);
  expect(releases.map(({ oldest }) => oldest)).toEqual(releases.map((_, index) => index === 0));
});
