import { expect, test } from "vitest";
import type { MessageFile } from "~/protocol.gen";
import { fitted, inWords, isPicture, sizeInWords } from "./sizes";

const file = (fields: Partial<MessageFile> = {}): MessageFile => ({
  sha256: "a".repeat(64),
  name: "a.png",
  media_type: "image/png",
  size: 1,
  width: 800,
  height: 400,
  ...fields,
});

test("a size is said in the unit in which it is short", () => {
  expect([0, 1023, 1024, 10_240, 1_572_864].map(sizeInWords)).toEqual(["0 B", "1023 B", "1 KiB", "10 KiB", "1.5 MiB"]);
});

test("a picture is made to fit and never made larger", () => {
  expect(fitted(file(), 200, 200)).toEqual({ width: 200, height: 100 });
  expect(fitted(file({ width: 10, height: 5 }), 200, 200)).toEqual({ width: 10, height: 5 });
  expect(fitted(file({ width: 9_000, height: 1 }), 200, 200)).toEqual({ width: 200, height: 1 });
});

test("a picture is what the server read a size of", () => {
  expect(isPicture(file())).toBe(true);
  expect(isPicture(file({ width: null, height: null }))).toBe(false);
  expect(isPicture(file({ media_type: "text/plain" }))).toBe(false);
});

test("a message without words says the names of its files", () => {
  expect(inWords("look", [file()])).toBe("look");
  expect(inWords("", [file(), file({ name: "b.txt" })])).toBe("📎 a.png, 📎 b.txt");
});
