import { expect, test } from "vitest";
import type { CodeComment } from "~/session/protocol";
import { alice, answer, bob, entry } from "~/testing/entries";
import { newsOf } from "./news";

function commented(fields: Partial<CodeComment>) {
  const comment: CodeComment = {
    id: "com_2",
    thread_id: "com_1",
    user_id: bob.user_id,
    username: bob.username,
    file: "src/app.py",
    line: 42,
    end_line: 42,
    version: null,
    code_snippet: "x = 1",
    before: "",
    after: "",
    content: "because",
    mentions: [alice.user_id],
    source: "web",
    timestamp: "2026-01-05T09:00:00Z",
    ...fields,
  };
  return entry(7, "code_comment", { comment }, comment.user_id);
}

test("an answer in a thread where I spoke is told with its place", () => {
  expect(newsOf(commented({}), alice.user_id)).toBe("Bob Tanaka answered in your thread on app.py:42");
});

test("so is a new remark that names me", () => {
  expect(newsOf(commented({ id: "com_1" }), alice.user_id)).toBe("Bob Tanaka mentioned you on app.py:42");
});

test("what I wrote myself, what calls others and what is no comment is not told", () => {
  expect(newsOf(commented({}), bob.user_id)).toBeNull();
  expect(newsOf(commented({ mentions: [] }), alice.user_id)).toBeNull();
  expect(newsOf(answer(1, "done"), alice.user_id)).toBeNull();
});
