import { afterEach, expect, test } from "vitest";
import { dayName, moment, writeDatesIn } from "./format";

afterEach(() => writeDatesIn(""));

const at = "2026-01-05T14:05:09Z";
const long = () => dayName(at, Date.parse("2026-03-01T00:00:00Z"));

test("dates are written as their reader has chosen", () => {
  writeDatesIn("de");
  expect(long()).toBe("Montag, 5. Januar");
  writeDatesIn("en-US");
  expect(long()).toBe("Monday, January 5");
  writeDatesIn("en-GB");
  expect(long()).toBe("Monday 5 January");
  expect(moment(at)).toMatch(/^Mon, 5 Jan 2026, \d\d:05:09$/);
});

test("without a choice they are written as the browser does", () => {
  const usual = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
  expect(long()).toBe(usual.format(Date.parse(at)));
});
