/** Sentences of the feed. */
import { describe, expect, it } from "vitest";
import type { FeedItem } from "./data";
import { doer, folded, quote, sentence } from "./words";

const ann = { user_id: "usr_a", username: "Ann", color: 1 };

function item(fields: Partial<FeedItem>): FeedItem {
  return {
    id: 1,
    session_id: "ses_1",
    session_title: "Session",
    seq: 1,
    kind: "people",
    what: "participant_added",
    at: "2026-11-23T10:00:00Z",
    user: ann,
    target: "",
    text: "",
    is_gone: false,
    ...fields,
  };
}

const said = (fields: Partial<FeedItem>) => {
  const one = item(fields);
  return `${doer(one)} ${sentence({ item: one, more: [] })}`.trim();
};

describe("a sentence", () => {
  it("says who did what to whom", () => {
    expect(said({ what: "participant_added", target: "viewer" })).toBe("Ann joined as viewer");
    expect(said({ what: "participant_removed", target: "Ann" })).toBe("Ann left");
    expect(said({ what: "participant_removed", target: "Ben" })).toBe("Ann removed Ben");
    expect(said({ what: "role_changed", target: "Ben", text: "editor" })).toBe("Ann made Ben an editor");
    expect(said({ what: "knock_answered", kind: "approval", target: "Ben", text: "refused" })).toBe("Ann did not let Ben in");
  });

  it("names the agent where nobody did it", () => {
    expect(said({ what: "turn_finished", kind: "agent", user: null, text: "failed" })).toBe("The agent failed");
    expect(said({ what: "invite_expired", kind: "invite", user: null })).toBe("An invite has expired");
  });
});

describe("files", () => {
  const file = (target: string, fields: Partial<FeedItem> = {}) =>
    item({ kind: "file", what: "file_changed", user: null, target, text: "modified", ...fields });

  it("in a row are one row that counts them once each", () => {
    const [row, ...rest] = folded([file("a.py"), file("b.py"), file("a.py")]);
    expect(rest).toEqual([]);
    expect(row && sentence(row)).toBe("changed 2 files");
  });

  it("of another session, or with something between, stand alone", () => {
    expect(folded([file("a.py"), file("b.py", { session_id: "ses_2" })])).toHaveLength(2);
    expect(folded([file("a.py"), item({}), file("b.py")])).toHaveLength(3);
  });
});

it("quotes nothing that was taken back", () => {
  const gone = item({ what: "chat_message", kind: "mention", text: "", is_gone: true });
  expect(quote({ item: gone, more: [] })).toBeNull();
});
