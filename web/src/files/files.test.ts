import { Chunk } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { describe, expect, test } from "vitest";
import type { FileView } from "~/session/protocol";
import type { SharedFile } from "~/session/state";
import { edits, lineChanges, textOf } from "./changes";
import { olderSide } from "./gaps";
import { readHash, toHash } from "./link";
import { newsFor, upToDate } from "./listing";
import { stepInTree, treeRows } from "./tree";

const A = "a".repeat(64);
const B = "b".repeat(64);

function file(path: string, fields: Partial<FileView> = {}): FileView {
  return {
    path,
    version: A,
    base_version: A,
    change: "unchanged",
    old_path: null,
    size: 10,
    lines: 1,
    is_binary: false,
    reason: "",
    version_count: 1,
    seq: 1,
    changed_at: "2026-01-05T09:00:00Z",
    ...fields,
  };
}

function told(path: string, seq: number, fields: Partial<SharedFile> = {}): [string, SharedFile] {
  const entry: SharedFile = {
    type: "file_shared",
    path,
    change: "modified",
    old_path: null,
    version: B,
    size: 12,
    lines: 2,
    is_binary: false,
    reason: "",
    seq,
    at: "2026-01-05T10:00:00Z",
    ...fields,
  };
  return [path, entry];
}

const all = { query: "", onlyChanged: false, isOpen: () => null };
const drawn = (files: FileView[], choice = {}) =>
  treeRows(files, { ...all, ...choice }).map((row) => `${"  ".repeat(row.level - 1)}${row.name}`);

describe("the tree", () => {
  const files = [file("src/api/app.py"), file("src/api/a10.py"), file("src/api/a2.py"), file("README.md"), file("docs/x/y.md")];

  test("folders stand before files, chains of single folders in one row, numbers in their order", () => {
    expect(drawn(files)).toEqual(["docs/x", "  y.md", "src/api", "  a2.py", "  a10.py", "  app.py", "README.md"]);
  });

  test("a filter finds all its words anywhere in the path and opens what it finds", () => {
    expect(drawn(files, { query: "API a1", isOpen: () => false })).toEqual(["src/api", "  a10.py"]);
  });

  test("a closed folder hides what is in it", () => {
    expect(drawn(files, { isOpen: (path: string) => path !== "src/api" })).not.toContain("  app.py");
  });

  test("only what changed, when asked for", () => {
    const changed = [...files, file("src/api/new.py", { change: "added", base_version: null })];
    expect(drawn(changed, { onlyChanged: true })).toEqual(["src/api", "  new.py"]);
  });

  test("in a large share, folders without changes start closed", () => {
    const many = Array.from({ length: 300 }, (_, at) => file(`lib/f${at}.py`));
    expect(drawn([...many, file("src/app.py", { change: "modified" })])).toEqual(["lib", "src", "  app.py"]);
  });

  test("arrows walk rows, open and close folders, and lead from a file to its folder", () => {
    const rows = treeRows(files, all);
    expect(stepInTree(rows, 0, "ArrowRight")).toEqual({ to: 1 });
    expect(stepInTree(rows, 0, "ArrowLeft")).toEqual({ to: 0, fold: { path: "docs/x", isOpen: false } });
    expect(stepInTree(rows, 4, "ArrowLeft")).toEqual({ to: 2 });
    expect(stepInTree(rows, 6, "ArrowDown")).toEqual({ to: 6 });
    expect(stepInTree(rows, 3, "x")).toBeNull();
  });
});

describe("the list of files", () => {
  test("what the log told later stands in it at once", () => {
    const [found] = upToDate([file("a.py")], new Map([told("a.py", 5)]));
    expect(found).toMatchObject({ version: B, change: "modified", version_count: 2, seq: 5 });
  });

  test("what the list knew already changes nothing", () => {
    const list = [file("a.py", { seq: 9 })];
    expect(upToDate(list, new Map([told("a.py", 5)]))[0]).toBe(list[0]);
  });

  test("back at the first content a file counts as unchanged", () => {
    const list = [file("a.py", { version: B, change: "modified" })];
    expect(upToDate(list, new Map([told("a.py", 5, { version: A })]))[0]).toMatchObject({ change: "unchanged" });
  });

  test("a renamed file stands under its new name alone, a new one is added, a deleted one says so", () => {
    const news = new Map([
      told("b.py", 5, { change: "renamed", old_path: "a.py", version: A }),
      told("c.py", 6, { change: "added" }),
      told("d.py", 7, { change: "deleted", version: null }),
    ]);
    expect(upToDate([file("a.py"), file("d.py")], news).map((one) => [one.path, one.change])).toEqual([
      ["b.py", "renamed"],
      ["c.py", "added"],
      ["d.py", "deleted"],
    ]);
  });
});

describe("reading the list again", () => {
  test("is called for by what it does not hold, and by nothing else", () => {
    expect(newsFor([file("a.py", { seq: 3 })], new Map([told("a.py", 5)]))).toBe(5);
    expect(newsFor([file("a.py", { seq: 5 })], new Map([told("a.py", 5)]))).toBe(0);
    const rename = told("b.py", 6, { change: "renamed", old_path: "a.py" });
    expect(newsFor([file("b.py", { seq: 6 })], new Map([told("a.py", 5), rename]))).toBe(0);
  });
});

describe("addresses", () => {
  test("a place in a file survives its address", () => {
    const place = { file: "src/ä b&c.py", line: 42, end_line: 48, version: A };
    expect(readHash(toHash(place))).toEqual(place);
  });

  test("an address is readable, and nonsense in it is left out", () => {
    expect(toHash({ file: "src/app.py", line: 3, end_line: null, version: null })).toBe("#file=src/app.py&line=3");
    expect(readHash("#file=a.py&line=-1&version=../x")).toEqual({ file: "a.py", line: null, end_line: null, version: null });
    expect(readHash("#top")).toBeNull();
  });
});

describe("two sides of a diff", () => {
  const before = textOf("one\ntwo\nthree\nfour\n");
  const after = textOf("zero\none\nTWO\nthree\nfour\n");
  const lineOf = (line: number) =>
    before.lineAt(olderSide(Chunk.build(before, after), after.line(line).from, before.length)).number;

  test("a line stands beside the same line of the older side; a changed one beside what it was", () => {
    expect([lineOf(2), lineOf(3), lineOf(4), lineOf(5)]).toEqual([1, 2, 3, 4]);
  });
});

describe("changes between versions", () => {
  const changes = (before: string, after: string) => lineChanges(textOf(before), textOf(after));

  test("lines that came and went are counted as people count them", () => {
    expect(changes("a\nb\nc\n", "a\nB\nc\n")).toEqual({ added: 1, removed: 1, changed: [{ from: 2, to: 2 }] });
    expect(changes("a\nb\n", "a\nb\nc\nd\n")).toEqual({ added: 2, removed: 0, changed: [{ from: 3, to: 4 }] });
    expect(changes("a\nb\nc\n", "c\n")).toEqual({ added: 0, removed: 2, changed: [] });
    expect(changes("", "a\nb\n")).toEqual({ added: 2, removed: 0, changed: [{ from: 1, to: 2 }] });
    expect(changes("a\nb\n", "")).toEqual({ added: 0, removed: 2, changed: [] });
    expect(changes("a\n", "a\n")).toEqual({ added: 0, removed: 0, changed: [] });
  });

  test("the edits lead from one text to the other, and a place between them stays where it was", () => {
    const before = "def f():\n    return 1\n\nprint(f())\n";
    const after = "import os\n\ndef f():\n    return 2\n\nprint(f())\n";
    const state = EditorState.create({ doc: before });
    const update = state.update({ changes: edits(before, after) });
    expect(update.state.doc.toString()).toBe(after);
    expect(update.changes.mapPos(before.indexOf("print"))).toBe(after.indexOf("print"));
  });
});
