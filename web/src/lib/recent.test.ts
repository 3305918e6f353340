import { expect, test } from "vitest";
import { recent } from "./recent";

test("a result is made once while it is among the latest, and again after that", () => {
  const made: string[] = [];
  const keep = recent<string>(2);
  const ask = (key: string) => keep(key, () => (made.push(key), key.toUpperCase()));
  expect(["a", "b", "a", "c", "a", "b"].map(ask)).toEqual(["A", "B", "A", "C", "A", "B"]);
  expect(made).toEqual(["a", "b", "c", "b"]);
});
