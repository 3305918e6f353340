import { Text } from "@codemirror/state";
import { describe, expect, test } from "vitest";
import { type PersonPresence, viewport } from "~/session/protocol";
import { alice, bob } from "~/testing/entries";
import tokens from "~/ui/tokens.css?raw";
import { cursorsIn, fileOf, peopleByFile, viewsIn } from "./people";
import { offsetOf, rangeOf } from "./remote";

const A = "a".repeat(64);
const B = "b".repeat(64);
const FILE = "src/app.py";

function here(person: typeof bob, fields: Partial<PersonPresence> = {}): PersonPresence {
  return {
    ...person,
    status: "active",
    cursor: { file: FILE, line: 2, column: 3, selection: null },
    viewport: viewport("file", { file: FILE, version: A, top_line: 1, bottom_line: 20 }),
    following: null,
    ...fields,
  };
}

describe("who is where", () => {
  test("people stand at the file on their screen, not at the one where they left a cursor", () => {
    expect(fileOf(here(bob))).toBe(FILE);
    expect(fileOf(here(bob, { viewport: viewport("transcript") }))).toBeNull();
    expect(fileOf(here(bob, { viewport: viewport("file", { file: "b.py" }) }))).toBe("b.py");
    expect(fileOf(here(bob, { status: "away" }))).toBeNull();
    expect([...peopleByFile([here(alice), here(bob)], alice.user_id)]).toEqual([[FILE, [here(bob)]]]);
  });

  test("cursors and views show in the version that they stand in, and never my own", () => {
    const presence = [here(alice), here(bob)];
    expect(cursorsIn(presence, alice.user_id, FILE, A, A).map((one) => one.username)).toEqual([bob.username]);
    expect(viewsIn(presence, alice.user_id, FILE, A, A)).toMatchObject([{ top: 1, bottom: 20 }]);
    expect(cursorsIn(presence, alice.user_id, FILE, B, B)).toEqual([]);
    expect(viewsIn(presence, alice.user_id, FILE, B, B)).toEqual([]);
  });

  test("who does not say which version they see, sees the newest", () => {
    const presence = [here(bob, { viewport: null })];
    expect(cursorsIn(presence, null, FILE, B, B)).toHaveLength(1);
    expect(cursorsIn(presence, null, FILE, A, B)).toEqual([]);
  });
});

describe("places in a text", () => {
  const doc = Text.of(["one", "two", ""]);

  test("lines and columns count from 1; what lies beyond an end stands at it", () => {
    expect([offsetOf(doc, 1, 1), offsetOf(doc, 2, 3), offsetOf(doc, 2, 99), offsetOf(doc, 99, 1)]).toEqual([0, 6, 7, 8]);
  });

  test("a selection of nothing is none", () => {
    const selection = { start_line: 1, start_column: 2, end_line: 2, end_column: 2 };
    expect(rangeOf(doc, { selection })).toEqual({ from: 1, to: 5 });
    expect(rangeOf(doc, { selection: { ...selection, end_line: 1 } })).toBeNull();
  });
});

describe("the colours of people", () => {
  const hex = (name: string, theme: 0 | 1) => {
    const value = new RegExp(`--${name}: (?:light-dark\\()?([^;)]+)`).exec(tokens)?.[1]?.split(", ") ?? [];
    return channels(value[theme] ?? value[0] ?? "");
  };
  const people = Array.from({ length: 12 }, (_, at) => hex(`person-${at}`, 0));

  test("marks have 3:1 on the code's background in both themes, names 4.5:1 on the person's colour", () => {
    for (const person of people) {
      // In the dark theme marks are mixed with 40 % white, see cursors.css.
      const light = person.map((part) => part * 0.6 + 255 * 0.4);
      expect(contrast(person, hex("surface", 0))).toBeGreaterThanOrEqual(3);
      expect(contrast(light, hex("surface", 1))).toBeGreaterThanOrEqual(3);
      expect(contrast(person, [255, 255, 255])).toBeGreaterThanOrEqual(4.5);
    }
  });
});

const channels = (hex: string) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

/** https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(a: number[], b: number[]): number {
  const luminance = (colour: number[]) => {
    const [r = 0, g = 0, blue = 0] = colour.map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [dark = 0, bright = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (bright + 0.05) / (dark + 0.05);
}
