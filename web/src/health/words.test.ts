import { expect, test } from "vitest";
import { connected } from "~/testing/entries";
import { contextPart, levelOf } from "./words";

test("a score has three levels", () => {
  expect([100, 80, 79, 50, 49, 0].map(levelOf)).toEqual(["good", "good", "fair", "fair", "poor", "poor"]);
});

test("a context without a known limit has no part, and none is ever more than full", () => {
  const { context } = connected(0);
  expect(contextPart(context)).toBeNull();
  expect(contextPart({ ...context, context_used: 10, context_limit: 0 })).toBeNull();
  expect(contextPart({ ...context, context_used: 50_000, context_limit: 200_000 })).toBe(0.25);
  expect(contextPart({ ...context, context_used: 300, context_limit: 200 })).toBe(1);
});
