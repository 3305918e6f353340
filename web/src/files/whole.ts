/** Lines of a diff that came or went as a whole, marked so that their words are not pointed out one by one. */
import { type Chunk, getChunks } from "@codemirror/merge";
import { type Extension, RangeSetBuilder } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";

const whole = Decoration.line({ class: "cm-whole" });

function lines(view: EditorView, side: "a" | "b"): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  for (const chunk of getChunks(view.state)?.chunks ?? []) {
    const [from, to] = side === "a" ? [chunk.fromA, chunk.toA] : [chunk.fromB, chunk.toB];
    if (!isWhole(chunk, side)) continue;
    const { doc } = view.state;
    for (let at = from; at < Math.min(to, doc.length + 1); ) {
      const line = doc.lineAt(at);
      builder.add(line.from, line.from, whole);
      at = line.to + 1;
    }
  }
  return builder.finish();
}

/** One change with nothing on the other side, from the chunk's beginning to its end. */
function isWhole(chunk: Chunk, side: "a" | "b"): boolean {
  const [change] = chunk.changes;
  if (!change || chunk.changes.length > 1) return false;
  return side === "a"
    ? change.fromB === change.toB && change.toA - change.fromA >= chunk.toA - chunk.fromA - 1
    : change.fromA === change.toA && change.toB - change.fromB >= chunk.toB - chunk.fromB - 1;
}

export function wholeChunks(side: "a" | "b"): Extension {
  return ViewPlugin.define(
    (view) => ({
      set: lines(view, side),
      update(update: ViewUpdate) {
        if (getChunks(update.startState)?.chunks !== getChunks(update.state)?.chunks || update.docChanged) this.set = lines(view, side);
      },
    }),
    { decorations: (plugin) => plugin.set },
  );
}
