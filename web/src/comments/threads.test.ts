import { describe, expect, test } from "vitest";
import type { CommentPlace, CommentThread } from "~/session/protocol";
import { alice, bob } from "~/testing/entries";
import { type AddWish, hasLines, ofKind, openByFile, placeWords, withWishes } from "./threads";

const A = "a".repeat(64);
const shown = { file: "src/app.py", version: A };

function thread(id: string, seq: number, place: Partial<CommentPlace> = {}, fields: Partial<CommentThread> = {}): CommentThread {
  return {
    id,
    is_resolved: false,
    resolved_by: null,
    updated_seq: seq,
    comments: [
      {
        id,
        thread_id: id,
        user_id: bob.user_id,
        username: bob.username,
        file: "src/app.py",
        line: 42,
        end_line: 42,
        version: A,
        code_snippet: "return 1",
        before: "",
        after: "",
        content: "Why 1?",
        mentions: [],
        source: "web",
        timestamp: "2026-01-05T09:00:00Z",
        seq,
        updated_seq: seq,
        edited_at: null,
        is_deleted: false,
      },
    ],
    place: { status: "exact", file: "src/app.py", version: A, line: 42, end_line: 42, confidence: 1, ...place },
    ...fields,
  };
}

function add(fields: Partial<AddWish> = {}): AddWish {
  return {
    kind: "add",
    id: "c1",
    state: "pending",
    error: null,
    seq: null,
    written_at: "2026-01-05T09:05:00Z",
    thread_id: null,
    file: "src/app.py",
    line: 7,
    end_line: 8,
    version: A,
    code_snippet: "x",
    content: "New",
    mentions: [],
    ...fields,
  };
}

describe("what is on its way", () => {
  test("a new thread stands at its lines at once, in that version alone", () => {
    const found = withWishes([thread("t1", 3)], [add()], alice, shown);
    expect(found.map((one) => [one.id, one.place.line, one.isNew])).toEqual([["t1", 42, false], ["c1", 7, true]]);
    expect(withWishes([], [add()], alice, { ...shown, version: "b" })).toEqual([]);
  });

  test("a reply stands in its thread until the server's answer holds it: never twice, never not at all", () => {
    const reply = add({ thread_id: "t1", seq: 9 });
    expect(withWishes([thread("t1", 3)], [reply], alice, shown)[0]?.comments).toHaveLength(2);
    const stored = thread("t1", 3);
    stored.comments.push({ ...(stored.comments[0] as (typeof stored.comments)[0]), id: "cmt_9", seq: 9, updated_seq: 9 });
    expect(withWishes([stored], [reply], alice, shown)[0]?.comments).toHaveLength(2);
  });

  test("an edit, a deletion and a resolution show at once, a refused one leaves things as they were and says why", () => {
    const base = { id: "c2", state: "pending", error: null, seq: null, written_at: "", mentions: [] } as const;
    const edited = withWishes([thread("t1", 3)], [{ ...base, kind: "edit", comment_id: "t1", content: "Why?", mentions: [] }], bob, shown);
    expect(edited[0]?.comments[0]).toMatchObject({ content: "Why?", wish: { state: "pending" } });
    const refused = { ...base, kind: "resolve", thread_id: "t1", state: "failed", error: "Viewers cannot." } as const;
    expect(withWishes([thread("t1", 3)], [refused], bob, shown)[0]).toMatchObject({ is_resolved: false, wish: { error: "Viewers cannot." } });
    const resolved = withWishes([thread("t1", 3)], [{ ...refused, state: "pending", error: null }], bob, shown);
    expect(resolved[0]?.is_resolved).toBe(true);
  });
});

describe("where threads stand", () => {
  const words = (place: Partial<CommentPlace>) => placeWords(withWishes([thread("t1", 3, place)], [], null, null)[0] as never);

  test("a place says honestly how it was found", () => {
    expect(words({})).toBeNull();
    expect(words({ line: 45, end_line: 45 })).toBe("moved from line 42");
    expect(words({ status: "moved", line: 50, confidence: 0.87 })).toBe("moved from line 42, found by its text (87 %)");
    expect(words({ file: "src/main.py" })).toBe("moved from src/app.py, line 42");
    expect(words({ status: "outdated", line: null })).toBe("line 42 changed since");
    expect(words({ status: "gone", line: null })).toBe("The file is gone; it was on line 42 of src/app.py");
  });

  test("open, resolved and outdated ones are told apart and counted", () => {
    const all = withWishes(
      [thread("t1", 1), thread("t2", 2, {}, { is_resolved: true }), thread("t3", 3, { status: "outdated", line: null })],
      [],
      null,
      null,
    );
    expect(ofKind(all, "open").map((one) => one.id)).toEqual(["t1", "t3"]);
    expect(ofKind(all, "resolved").map((one) => one.id)).toEqual(["t2"]);
    expect(ofKind(all, "outdated").map((one) => one.id)).toEqual(["t3"]);
    expect(all.map(hasLines)).toEqual([true, true, false]);
    expect(openByFile(all)).toEqual(new Map([["src/app.py", 2]]));
  });
});
