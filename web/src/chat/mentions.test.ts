import { expect, test } from "vitest";
import { alice, bob } from "~/testing/entries";
import { completed, mentionedIn, mentionQuery } from "./mentions";

test("a name is completed where it is written, and only there", () => {
  expect(mentionQuery("hey @bo", 7)).toEqual({ start: 4, end: 7, text: "bo" });
  expect(mentionQuery("@", 1)).toEqual({ start: 0, end: 1, text: "" });
  expect(mentionQuery("mail me@home", 12)).toBeNull();
  expect(mentionQuery("hey @bo now", 11)).toBeNull();
});

test("completing replaces what was typed and puts the caret after the name", () => {
  const query = mentionQuery("hey @bo, look", 7);
  expect(query && completed("hey @bo, look", query, bob.username)).toEqual({
    text: "hey @Bob Tanaka , look",
    caret: 16,
  });
});

test("only whole names count as mentions", () => {
  const people = [alice, bob, { user_id: "usr_ann", username: "Ann" }];
  expect(mentionedIn("@Bob Tanaka and @Anna, see", people)).toEqual([bob.user_id]);
  expect(mentionedIn("(@Ann)", people)).toEqual(["usr_ann"]);
});
