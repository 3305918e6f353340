import { expect, test } from "vitest";
import { timeLeft } from "./time-left";

const now = Date.parse("2026-01-05T12:00:00Z");

test.each([
  ["2026-01-05T12:00:30Z", "1 min left"],
  ["2026-01-05T12:59:00Z", "59 min left"],
  ["2026-01-05T15:00:00Z", "3 h left"],
  ["2026-01-06T12:00:00Z", "24 h left"],
  ["2026-01-12T12:00:00Z", "7 days left"],
  ["2026-01-05T12:00:00Z", "expired"],
  ["2026-01-04T12:00:00Z", "expired"],
  ["nonsense", ""],
])("until %s there is: %s", (at, words) => {
  expect(timeLeft(at, now)).toBe(words);
});
