import { expect, test } from "vitest";
import { addressOf, seqIn } from "./address";

test("the address of an entry names it, and nothing else does", () => {
  const address = addressOf("ses_1", 123);
  expect(address).toBe("/s/ses_1#seq=123");
  expect(seqIn(address.slice(address.indexOf("#")))).toBe(123);
  for (const hash of ["", "#", "#seq=", "#seq=0", "#seq=-1", "#seq=1.5", "#seq=abc", "#file=a.py&line=3"]) {
    expect(seqIn(hash)).toBeNull();
  }
});
