import { describe, expect, test } from "vitest";
import { liveBlock } from "./live.ts";
import { styleFor } from "./style.ts";
import { renderPairs, renderTable } from "./table.ts";
import { formatBytes, formatNumber, formatShare, formatSpan, printable } from "./text.ts";

const plain = (text: string): string => text;
const sink = { write: () => {}, isTTY: true, columns: 80 };

test("columns are as wide as their widest cell, and lines end without spaces", () => {
  const rows = [
    ["n1", { text: "✓", tone: "good" as const }, "a"],
    ["n200", "✗✗", ""],
  ];
  expect(renderTable({ head: ["NODE", "OK", "WHY"], rows }, plain, "none")).toBe(
    ["NODE  OK  WHY", "n1    ✓   a", "n200  ✗✗", ""].join("\n"),
  );
  expect(
    renderPairs(
      [
        ["a", "1"],
        ["long", "2"],
      ],
      plain,
    ),
  ).toBe("a     1\nlong  2\n");
});

test("a table without rows says so", () => {
  expect(renderTable({ head: ["NODE"], rows: [] }, plain, "No nodes.")).toBe("No nodes.\n");
});

test("paint takes no width", () => {
  const rows = [[{ text: "a", tone: "bad" as const }, "b"]];
  const painted = renderTable({ head: ["X", "Y"], rows }, styleFor(sink, {}), "none");
  expect(painted).toContain("\u001B[31ma\u001B[39m  b");
});

describe("colour", () => {
  const paint = (tty: boolean, env: Record<string, string>): string =>
    styleFor({ ...sink, isTTY: tty }, env)("x", "bad");
  test("only where a person looks and wants it", () => {
    expect(paint(true, {})).toContain("\u001B[");
    expect(paint(true, { NO_COLOR: "" })).toContain("\u001B[");
    expect(paint(false, {})).toBe("x");
    expect(paint(true, { NO_COLOR: "1" })).toBe("x");
    expect(paint(true, { TERM: "dumb" })).toBe("x");
  });
});

test("text from the network cannot reach the terminal's controls", () => {
  expect(printable("a\u001B[2Jb\r\n\u009Bc\u202Ed")).toBe("a\uFFFD[2Jb\uFFFD\uFFFD\uFFFDc\uFFFDd");
  expect(printable("übung ✓ 名前")).toBe("übung ✓ 名前");
});

test("values as people read them", () => {
  expect([0, 12, 1.25, -3.06].map(formatNumber)).toEqual(["0", "12", "1.3", "-3.1"]);
  expect([0, 0.25, 0.005, 1].map(formatShare)).toEqual(["0%", "25%", "0.5%", "100%"]);
  expect([0, 1023, 1024, 149_711_504].map(formatBytes)).toEqual(["0 B", "1023 B", "1.0 KiB", "142.8 MiB"]);
  expect([-5, 59_999, 60_000, 3_600_000, 86_400_000].map(formatSpan)).toEqual(["0s", "59s", "1m", "1h", "1d"]);
});

test("a live block goes back over exactly the lines it drew", () => {
  let written = "";
  const block = liveBlock({ ...sink, write: (text) => void (written += text) });
  block.draw("a\nb\n");
  block.draw("c\n");
  block.draw("d\n");
  block.end();
  expect(written).toBe("\u001B[?25l\u001B[?7la\nb\n\u001B[2A\r\u001B[Jc\n\u001B[1A\r\u001B[Jd\n\u001B[?7h\u001B[?25h");
});
