import { expect, test } from "vitest";
import sample from "~/testing/digest.json";
import { agrees, crc32 } from "./digest";
import type { LogEntry } from "./protocol";

const entries = sample.frames.map((text) => JSON.parse(text) as LogEntry);
const held = { entries, from: 1, to: entries.length };
const digest = { from_seq: 1, to_seq: entries.length, crc32: sample.crc32 };

test("the checksum is zlib's", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
});

test("entries that were parsed give back the texts that the server sent", () => {
  expect(entries.map((entry) => JSON.stringify(entry))).toEqual(sample.frames);
  expect(agrees(held, digest)).toBe(true);
});

test("one changed character is noticed", () => {
  const changed = entries.with(2, { ...entries[2], at: "2026-01-05T09:00:01Z" } as LogEntry);
  expect(agrees({ ...held, entries: changed }, digest)).toBe(false);
});

test("nothing is said of what is not held", () => {
  expect(agrees({ ...held, entries: entries.slice(1), from: 2 }, digest)).toBeNull();
  expect(agrees(held, { ...digest, to_seq: 7 })).toBeNull();
});
