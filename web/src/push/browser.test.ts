import { describe, expect, it } from "vitest";
import { ability, encoded } from "./browser";

describe("this browser and pushes", () => {
  it("writes a key as the server does", () => {
    expect(encoded(new Uint8Array([251, 255, 0, 1]).buffer)).toBe("-_8AAQ");
    expect(encoded(null)).toBe("");
  });

  it("knows that without a browser around there are none", () => {
    expect(ability()).toBe("insecure");
  });
});
