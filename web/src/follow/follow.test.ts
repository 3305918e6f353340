import { describe, expect, test } from "vitest";
import { samePlace } from "~/session/place";
import { type PersonPresence, viewport } from "~/session/protocol";
import { followersOf, nextToFollow, rootOf } from "./chain";
import { isOwnMove } from "./input";

const here = (...people: [id: string, following: string | null][]) =>
  new Map(
    people.map(([user_id, following], color): [string, PersonPresence] => [
      user_id,
      { user_id, username: user_id, color, status: "active", cursor: null, viewport: null, following },
    ]),
  );

describe("chains", () => {
  test("whoever follows a follower sees what the first of them sees", () => {
    const presence = here(["ana", null], ["bob", "ana"], ["cem", "bob"], ["me", "cem"]);
    expect(rootOf(presence, "cem", "me")?.user_id).toBe("ana");
    expect(rootOf(presence, "ana", "me")?.user_id).toBe("ana");
  });

  test("a chain ends with the last who is here", () => {
    expect(rootOf(here(["bob", "ana"]), "bob", "me")?.user_id).toBe("bob");
    expect(rootOf(here(["bob", "ana"]), "ana", "me")).toBeNull();
  });

  test("a circle that presence tells of for a moment leads nowhere else", () => {
    expect(rootOf(here(["ana", "bob"], ["bob", "ana"]), "ana", "me")?.user_id).toBe("bob");
    expect(rootOf(here(["ana", "me"], ["me", "ana"]), "ana", "me")?.user_id).toBe("ana");
    expect(rootOf(here(["ana", "ana"]), "ana", "me")?.user_id).toBe("ana");
  });

  test("those who follow me through others follow me too", () => {
    const presence = here(["me", null], ["cem", "bob"], ["bob", "me"], ["dan", null], ["eve", "fay"], ["fay", "eve"]);
    expect(followersOf(presence, "me").map((person) => person.user_id)).toEqual(["bob", "cem"]);
    expect(followersOf(presence, null)).toEqual([]);
  });

  test("the key follows the one followed last, else the first who is shown", () => {
    const shown = [...here(["ana", null], ["bob", null]).values()];
    expect(nextToFollow(shown, "bob")?.user_id).toBe("bob");
    expect(nextToFollow(shown, "gone")?.user_id).toBe("ana");
    expect(nextToFollow([], "bob")).toBeNull();
  });
});

describe("moving by hand", () => {
  test.each(["wheel", "touchmove", "pointerdown"])("a %s ends following", (type) => {
    expect(isOwnMove({ type })).toBe(true);
  });

  test.each(["j", "ArrowDown", "PageUp", "Enter", " ", "c"])("the key %s ends following", (key) => {
    expect(isOwnMove({ type: "keydown", key })).toBe(true);
  });

  test.each(["Shift", "Control", "Tab", "f", "F", "Escape"])("the key %s does not", (key) => {
    expect(isOwnMove({ type: "keydown", key })).toBe(false);
  });

  test("copying does not, walking to the end does", () => {
    expect(isOwnMove({ type: "keydown", key: "c", ctrlKey: true })).toBe(false);
    expect(isOwnMove({ type: "keydown", key: "End", ctrlKey: true })).toBe(true);
  });
});

describe("places", () => {
  test("two places are the same when all that is known of them is", () => {
    const place = viewport("diff", { file: "a.py", version: "v2", base_version: "v1", top_line: 4, fraction: 0.5 });
    expect(samePlace(place, { ...place })).toBe(true);
    expect(samePlace(null, null)).toBe(true);
    expect(samePlace(place, null)).toBe(false);
    for (const other of [{ fraction: 0.25 }, { version: "v3" }, { base_version: null }, { surface: "file" as const }]) {
      expect(samePlace(place, { ...place, ...other })).toBe(false);
    }
  });
});
