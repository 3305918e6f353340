/** Lines that just changed, and the line that a link led to: shown for a moment, softly. */
import { type Extension, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";
import type { LineRange } from "./changes";

export const setFresh = StateEffect.define<readonly LineRange[]>();
export const setAimed = StateEffect.define<LineRange | null>();

const fresh = Decoration.line({ class: "cm-fresh" });
const aimed = Decoration.line({ class: "cm-aimed" });

/** More lines than this are a new file rather than a change to point out. */
const MOST = 400;

function lines(view: { doc: EditorView["state"]["doc"] }, ranges: readonly LineRange[], mark: Decoration): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  let count = 0;
  for (const { from, to } of ranges) {
    for (let line = from; line <= Math.min(to, view.doc.lines) && count < MOST; line += 1, count += 1) {
      const { from: start } = view.doc.line(line);
      builder.add(start, start, mark);
    }
  }
  return builder.finish();
}

const freshLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setFresh)) return lines(transaction.state, effect.value, fresh);
    return value.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

const aimedLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(setAimed)) return effect.value ? lines(transaction.state, [effect.value], aimed) : Decoration.none;
    }
    return value.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

export const pointedOut: Extension = [freshLines, aimedLines];
