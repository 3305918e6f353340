/** This person's cursor in the words of the protocol: lines and columns from 1, columns in UTF-16 units. Pure. */
import type { EditorState } from "@codemirror/state";
import type { Cursor } from "~/session/protocol";

export function selectionOf({ doc, selection }: EditorState): Omit<Cursor, "file"> {
  const { head, from, to, empty } = selection.main;
  const at = (offset: number) => {
    const line = doc.lineAt(offset);
    return { line: line.number, column: offset - line.from + 1 };
  };
  const start = at(from);
  const end = at(to);
  return {
    ...at(head),
    selection: empty
      ? null
      : { start_line: start.line, start_column: start.column, end_line: end.line, end_column: end.column },
  };
}
