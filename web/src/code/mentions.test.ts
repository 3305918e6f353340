import { expect, test } from "vitest";
import { splitMentions } from "./mentions";

const names = ["Ann", "Ann Lee", "Bob Tanaka"];
const marked = (text: string) => splitMentions(text, names).flatMap((part) => (typeof part === "string" ? [] : [part.text]));

test("whole names after an @ are marked, the longer of two that fit, in whatever case", () => {
  expect(marked("@Ann Lee and @ann, see @BOB TANAKA")).toEqual(["@Ann Lee", "@ann", "@BOB TANAKA"]);
  expect(marked("(@here)")).toEqual(["@here"]);
});

test("addresses and longer words are no names", () => {
  expect(marked("mail@Ann or @Anna, @heresy, @@Ann")).toEqual([]);
});

test("nothing of the text is lost", () => {
  for (const text of ["", "@", "hi @Ann", "@Ann@Ann", "a @here b"]) {
    expect(splitMentions(text, names).map((part) => (typeof part === "string" ? part : part.text)).join("")).toBe(text);
  }
});
