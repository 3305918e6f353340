import { expect, test } from "vitest";
import { EMOJI, emojiName, findEmoji, QUICK } from "./emoji";
import { listed } from "./reactions";

test("each emoji is there once, with a name", () => {
  expect(new Set(EMOJI.map((emoji) => emoji.char)).size).toBe(EMOJI.length);
  expect(EMOJI.filter(({ char, words }) => words.trim() === "" || /[a-z\s]/i.test(char))).toEqual([]);
  expect(EMOJI.length).toBeGreaterThanOrEqual(150);
  for (const char of QUICK) expect(emojiName(char)).not.toBe(char);
});

test("the beginning of any of its words finds it, and every word has to fit", () => {
  expect(findEmoji("ship").map((emoji) => emoji.char)).toEqual(expect.arrayContaining(["🚀", "🎉"]));
  expect(findEmoji("rocket")[0]?.char).toBe("🚀");
  expect(findEmoji("thumbs d").map((emoji) => emoji.char)).toEqual(["👎"]);
  expect(findEmoji("qwertz")).toEqual([]);
  expect(findEmoji(" ")).toBe(EMOJI);
});

test("who reacted is said in a few words, however many they are", () => {
  expect(listed(["Ana"])).toBe("Ana");
  expect(listed(["Ana", "you"])).toBe("Ana and you");
  expect(listed(["Ana", "Ben", "you"])).toBe("Ana, Ben and you");
  expect(listed(Array.from({ length: 12 }, (_, at) => `P${at}`))).toBe("P0, P1, P2, P3, P4, P5, P6 and 5 others");
});
