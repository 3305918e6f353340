/** What differs between two texts, by lines, and how to turn one into the other with what did not change in place. Pure. */
import { Chunk, diff } from "@codemirror/merge";
import { type ChangeSpec, Text } from "@codemirror/state";

/** Bounds what comparing two very different large files costs: past it the result is coarser, never wrong. */
export const DIFF_BOUNDS = { scanLimit: 2_000, timeout: 400 };

export interface LineRange {
  /** First and last line, from 1. */
  from: number;
  to: number;
}

export interface LineChanges {
  added: number;
  removed: number;
  /** Lines of the later text that are new or different. */
  changed: LineRange[];
}

export const textOf = (content: string): Text => Text.of(content.split(/\r\n?|\n/));

export function lineChanges(before: Text, after: Text): LineChanges {
  const result: LineChanges = { added: 0, removed: 0, changed: [] };
  for (const chunk of Chunk.build(before, after, DIFF_BOUNDS)) {
    const gone = linesBetween(before, chunk.fromA, chunk.toA);
    const come = linesBetween(after, chunk.fromB, chunk.toB);
    if (gone) result.removed += gone.to - gone.from + 1;
    if (come) {
      result.added += come.to - come.from + 1;
      result.changed.push(come);
    }
  }
  return result;
}

/** A chunk ends after its last line's break, which may lie behind the end of the text. */
function linesBetween(text: Text, from: number, to: number): LineRange | null {
  if (to <= from || (text.length === 0 && from === 0)) return null;
  // A text that ends with a line break has, for people, no line after it.
  const last = text.lineAt(Math.min(to - 1, text.length));
  const first = text.lineAt(Math.min(from, text.length));
  const end = last.number === text.lines && last.length === 0 && last.number > first.number ? last.number - 1 : last.number;
  if (first.number === text.lines && first.length === 0 && text.lines > 1) return null;
  return { from: first.number, to: end };
}

/** The edits that lead from `before` to `after`. Places between them keep their meaning: cursor, scroll and marks stay. */
export function edits(before: string, after: string): ChangeSpec[] {
  return diff(before, after, DIFF_BOUNDS).map(({ fromA, toA, fromB, toB }) => ({
    from: fromA,
    to: toA,
    insert: after.slice(fromB, toB),
  }));
}
