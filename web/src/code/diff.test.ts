import { expect, test } from "vitest";
import { readDiff } from "./diff";

test("lines carry their numbers in the old and in the new file", () => {
  const lines = readDiff("@@ -10,3 +10,4 @@ def login():\n a\n-b\n+c\n+d\n e\n\\ No newline at end of file\n");
  expect(lines.map((line) => [line.kind, line.text, line.before, line.after])).toEqual([
    ["hunk", "def login():", 10, 10],
    ["same", "a", 10, 10],
    ["removed", "b", 11, null],
    ["added", "c", null, 11],
    ["added", "d", null, 12],
    ["same", "e", 12, 13],
    ["note", "No newline at end of file", null, null],
  ]);
});

test("a line of the file that looks like a file header is a line", () => {
  const lines = readDiff("@@ -1,1 +1,1 @@\n--- old\n+++ new");
  expect(lines.slice(1).map((line) => [line.kind, line.text])).toEqual([
    ["removed", "-- old"],
    ["added", "++ new"],
  ]);
});

test("nothing is no lines", () => {
  expect(readDiff("")).toEqual([]);
});
