import { expect, test } from "vitest";
import { nextPath } from "./next";

test.each([
  ["?next=/s/ses_x1", "/s/ses_x1"],
  ["?next=%2Fs%2Fses_x1", "/s/ses_x1"],
  ["?next=/invite/inv_x1", "/invite/inv_x1"],
  ["?next=/invite/inv_x1/../../sign-in", "/"],
  ["?next=/", "/"],
  ["", "/"],
  ["?next=//elsewhere.example", "/"],
  ["?next=/\\elsewhere.example", "/"],
  ["?next=https://elsewhere.example", "/"],
  ["?next=javascript:alert(1)", "/"],
  ["?next=/s/ses_x1/../../sign-in", "/"],
  ["?next=/s/ses_x1%0A", "/"],
  ["?next=/sign-in", "/"],
])("signing in with %j leads to %j", (search, path) => {
  expect(nextPath(search)).toBe(path);
});
