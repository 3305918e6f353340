/**
 * Beginning a comment: a plus beside the line under the pointer or the cursor, dragged or clicked with Shift for several
 * lines, and the key C on the cursor's line or the selection.
 */
import { type Extension, StateEffect, StateField } from "@codemirror/state";
import { EditorView, gutter, GutterMarker, keymap } from "@codemirror/view";

type Begin = (from: number, to: number) => void;

const setHovered = StateEffect.define<number | null>();
const setDragged = StateEffect.define<{ from: number; to: number } | null>();

interface Pointed {
  /** The line under the pointer. */
  hovered: number | null;
  dragged: { from: number; to: number } | null;
}

const pointed = StateField.define<Pointed>({
  create: () => ({ hovered: null, dragged: null }),
  update(value, transaction) {
    let next = value;
    for (const effect of transaction.effects) {
      if (effect.is(setHovered)) next = { ...next, hovered: effect.value };
      if (effect.is(setDragged)) next = { ...next, dragged: effect.value };
    }
    return next;
  },
});

class Plus extends GutterMarker {
  constructor(private readonly isDragged: boolean) {
    super();
  }

  override eq(other: Plus): boolean {
    return other.isDragged === this.isDragged;
  }

  override toDOM(): HTMLElement {
    const dom = document.createElement("span");
    dom.className = this.isDragged ? "comment-plus is-dragged" : "comment-plus";
    dom.title = "Comment on this line (C); drag for several lines";
    return dom;
  }
}

const plus = new Plus(false);
const draggedPlus = new Plus(true);

/** `begin` is told the lines, from 1. */
export function commentGutter(begin: Begin): Extension {
  return [
    pointed,
    gutter({
      class: "comment-gutter",
      lineMarker(view, block) {
        const { hovered, dragged } = view.state.field(pointed);
        const { number } = view.state.doc.lineAt(block.from);
        if (dragged) return number >= dragged.from && number <= dragged.to ? draggedPlus : null;
        const cursor = view.hasFocus ? view.state.doc.lineAt(view.state.selection.main.head).number : null;
        return number === hovered || number === cursor ? plus : null;
      },
      lineMarkerChange: (update) =>
        update.startState.field(pointed) !== update.state.field(pointed) || update.selectionSet || update.focusChanged,
      initialSpacer: () => plus,
      domEventHandlers: {
        mousedown: (view, block, event) => drag(view, view.state.doc.lineAt(block.from).number, event as MouseEvent, begin),
      },
    }),
    EditorView.domEventHandlers({
      mousemove: (event, view) => hover(view, lineUnder(view, event)),
      mouseleave: (_event, view) => hover(view, null),
    }),
    keymap.of([
      {
        key: "c",
        run(view) {
          const { doc, selection } = view.state;
          const { from, to, head, empty } = selection.main;
          if (empty) begin(doc.lineAt(head).number, doc.lineAt(head).number);
          // A selection that ends at a line's very start does not mean that line.
          else begin(doc.lineAt(from).number, doc.lineAt(Math.max(from, to - 1)).number);
          return true;
        },
      },
    ]),
  ];
}

function lineUnder(view: EditorView, event: MouseEvent): number {
  const block = view.lineBlockAtHeight(event.clientY - view.documentTop);
  return view.state.doc.lineAt(block.from).number;
}

function hover(view: EditorView, line: number | null): boolean {
  if (view.state.field(pointed).hovered !== line) view.dispatch({ effects: setHovered.of(line) });
  return false;
}

function drag(view: EditorView, line: number, event: MouseEvent, begin: Begin): boolean {
  if (event.button !== 0) return false;
  event.preventDefault();
  const { doc, selection } = view.state;
  const start = event.shiftKey ? doc.lineAt(selection.main.head).number : line;
  const range = (end: number) => ({ from: Math.min(start, end), to: Math.max(start, end) });
  let end = line;
  view.dispatch({ effects: setDragged.of(range(end)) });
  const move = (moved: MouseEvent) => {
    end = lineUnder(view, moved);
    view.dispatch({ effects: setDragged.of(range(end)) });
  };
  const stop = () => {
    window.removeEventListener("mousemove", move);
    window.removeEventListener("mouseup", stop);
    view.dispatch({ effects: setDragged.of(null) });
    const { from, to } = range(end);
    begin(from, to);
  };
  window.addEventListener("mousemove", move);
  window.addEventListener("mouseup", stop);
  return true;
}
