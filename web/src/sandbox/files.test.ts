import { describe, expect, test } from "vitest";
import { sizeOf } from "./files";

describe("the size of a file", () => {
  test("is said in the largest unit that fits", () => {
    expect([sizeOf(0), sizeOf(1023), sizeOf(1024), sizeOf(1536 * 1024)]).toEqual(["0 bytes", "1023 bytes", "1 KB", "1.5 MB"]);
  });
});
