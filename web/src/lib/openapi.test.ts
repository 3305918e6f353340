import { expect, test } from "vitest";
import type { Schema } from "~/api/cosession";
import { operations, shape } from "./openapi";

const schemas: Record<string, Schema> = {
  Invite: {
    type: "object",
    properties: {
      role: { type: "string", enum: ["host", "viewer"] },
      email: { anyOf: [{ type: "string", maxLength: 320 }, { type: "null" }] },
      max_uses: { type: "integer", default: 1, minimum: 1 },
      by: { $ref: "#/components/schemas/Person" },
    },
    required: ["role", "by"],
  },
  Person: { type: "object", properties: { name: { type: "string" }, friends: { type: "array", items: { $ref: "#/components/schemas/Person" } } }, required: ["name"] },
};

test("a schema reads as the JSON that it describes, with what is optional, and its limits", () => {
  expect(shape({ $ref: "#/components/schemas/Invite" }, schemas)).toBe(
    [
      "{",
      '  role: "host" | "viewer"',
      "  email?: string | null  (at most 320 characters)",
      "  max_uses?: integer  (at least 1, 1 by default)",
      "  by: {",
      "    name: string",
      "    friends?: Person[]",
      "  }",
      "}",
    ].join("\n"),
  );
});

test("operations come by subject, in the order in which the server names them", () => {
  const found = operations({
    info: { title: "T", version: "1" },
    paths: {
      "/b": { get: { tags: ["sessions"], summary: "List Sessions", responses: {} } },
      "/a": { get: { tags: ["people"], responses: {} }, post: { tags: ["sessions"], responses: {} } },
    },
  });
  expect(found.map(({ tag, items }) => [tag, items.map(({ method, path, title }) => `${method} ${path} ${title}`)])).toEqual([
    ["sessions", ["GET /b List sessions", "POST /a "]],
    ["people", ["GET /a "]],
  ]);
});
