import { expect, test } from "vitest";
import { splitRefs } from "./file-refs";

const found = (text: string) =>
  splitRefs(text).flatMap((part) => (typeof part === "string" ? [] : [[part.text, part.file, part.line]]));

test.each([
  ["src/app.py:42", [["src/app.py:42", "src/app.py", 42]]],
  ["see app.py:7, then web/src/a-b.test.ts:12.", [["app.py:7", "app.py", 7], ["web/src/a-b.test.ts:12", "web/src/a-b.test.ts", 12]]],
  ["(lib/x.rs:3-9)", [["lib/x.rs:3-9", "lib/x.rs", 3]]],
  ["./docs/Makefile:3", [["./docs/Makefile:3", "./docs/Makefile", 3]]],
  ["at 10:30, ratio 3:1, v1.2:3", []],
  ["src/app.py", []],
  ["http://localhost:8000/x", []],
])("in %j the places are %j", (text, places) => {
  expect(found(text)).toEqual(places);
  expect(splitRefs(text).map((part) => (typeof part === "string" ? part : part.text)).join("")).toBe(text);
});
