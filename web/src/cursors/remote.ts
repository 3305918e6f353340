/**
 * Cursors and selections of others in an editor. A cursor glides from where it was to where it is now, never further;
 * its name shows while it moves and for three seconds after, and whenever the pointer rests on it.
 */
import { EditorSelection, type Extension, StateEffect, StateField, type Text } from "@codemirror/state";
import { EditorView, layer, type LayerMarker, RectangleMarker } from "@codemirror/view";
import type { Cursor } from "~/session/protocol";
import type { RemoteCursor } from "./people";
import "./cursors.css";

/** Milliseconds without movement after which a name fades. */
const STILL_AFTER = 3_000;

export const setCursors = StateEffect.define<readonly RemoteCursor[]>();

interface Held {
  people: readonly RemoteCursor[];
}

const held = StateField.define<Held>({
  create: () => ({ people: [] }),
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setCursors)) return { people: effect.value };
    return value;
  },
});

/** Where line and column stand in `doc`; beyond its end, or a line's, at that end. */
export function offsetOf(doc: Text, line: number, column: number): number {
  if (line > doc.lines) return doc.length;
  const found = doc.line(Math.max(1, line));
  return Math.min(found.to, found.from + Math.max(0, column - 1));
}

export function rangeOf(doc: Text, { selection }: Pick<Cursor, "selection">): { from: number; to: number } | null {
  if (!selection) return null;
  const start = offsetOf(doc, selection.start_line, selection.start_column);
  const end = offsetOf(doc, selection.end_line, selection.end_column);
  return start === end ? null : { from: Math.min(start, end), to: Math.max(start, end) };
}

class PersonMarker implements LayerMarker {
  constructor(
    readonly person: RemoteCursor,
    readonly left: number,
    readonly top: number,
    readonly height: number,
    /** No room for the name above: it hangs below. */
    readonly isFirstLine: boolean,
  ) {}

  eq(other: PersonMarker): boolean {
    return (
      other.person.user_id === this.person.user_id &&
      other.person.username === this.person.username &&
      other.left === this.left &&
      other.top === this.top &&
      other.height === this.height
    );
  }

  draw(): HTMLElement {
    const dom = document.createElement("div");
    dom.className = "remote-cursor";
    dom.dataset.user = this.person.user_id;
    dom.dataset.person = String(this.person.color % 12);
    const flag = document.createElement("span");
    flag.className = "remote-flag";
    flag.textContent = this.person.username;
    dom.append(flag);
    this.place(dom);
    return dom;
  }

  /** Moves the element that stands for the same person, so that it glides; somebody else's is drawn anew. */
  update(dom: HTMLElement, before: PersonMarker): boolean {
    if (before.person.user_id !== this.person.user_id || before.person.username !== this.person.username) return false;
    this.place(dom);
    return true;
  }

  private place(dom: HTMLElement): void {
    dom.style.transform = `translate(${this.left}px, ${this.top}px)`;
    dom.style.height = `${this.height}px`;
    dom.classList.toggle("is-first-line", this.isFirstLine);
    dom.classList.remove("is-still");
    clearTimeout(Number(dom.dataset.timer));
    dom.dataset.timer = String(setTimeout(() => dom.classList.add("is-still"), STILL_AFTER));
  }
}

const cursorLayer = layer({
  above: true,
  class: "remote-cursors",
  update: (update) =>
    update.docChanged ||
    update.geometryChanged ||
    update.viewportChanged ||
    update.startState.field(held) !== update.state.field(held),
  markers: (view) =>
    view.state.field(held).people.flatMap((person) => {
      const { doc } = view.state;
      const at = EditorSelection.cursor(offsetOf(doc, person.cursor.line, person.cursor.column));
      const [place] = RectangleMarker.forRange(view, "", at);
      return place ? [new PersonMarker(person, place.left, place.top, place.height, doc.lineAt(at.head).number === 1)] : [];
    }),
});

const selectionLayer = layer({
  above: false,
  class: "remote-selections",
  update: (update) =>
    update.docChanged ||
    update.geometryChanged ||
    update.viewportChanged ||
    update.startState.field(held) !== update.state.field(held),
  markers: (view) =>
    view.state.field(held).people.flatMap(({ cursor, color }) => {
      const range = rangeOf(view.state.doc, cursor);
      if (!range) return [];
      return RectangleMarker.forRange(view, `remote-selection p${color % 12}`, EditorSelection.range(range.from, range.to));
    }),
});

export function remoteCursors(): Extension {
  return [held, cursorLayer, selectionLayer, EditorView.baseTheme({ ".remote-cursors": { zIndex: "90 !important" } })];
}
