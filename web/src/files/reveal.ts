/** Unchanged lines that a diff has folded away, opened again where something hangs on them. */
import { getChunks, mergeViewSiblings, uncollapseUnchanged } from "@codemirror/merge";
import type { EditorView } from "@codemirror/view";

/** Opens every fold that hides one of `lines` of `view`, which is the later side; the other side opens with it. */
export function reveal(view: EditorView, lines: Iterable<number>): void {
  const chunks = getChunks(view.state)?.chunks;
  if (!chunks) return;
  const { doc } = view.state;
  for (const number of lines) {
    const line = doc.line(Math.min(doc.lines, Math.max(1, number)));
    const fold = view.lineBlockAt(line.from);
    // A block that is longer than its line stands for several.
    if (fold.from === line.from && fold.to <= line.to) continue;
    if (chunks.some((chunk) => chunk.fromB < fold.to && chunk.toB > fold.from)) continue;
    const before = chunks.findLast((chunk) => chunk.toB <= fold.from);
    const shift = before ? before.toA - before.toB : 0;
    view.dispatch({ effects: uncollapseUnchanged.of(fold.from) });
    mergeViewSiblings(view)?.a.dispatch({ effects: uncollapseUnchanged.of(fold.from + shift) });
  }
}
