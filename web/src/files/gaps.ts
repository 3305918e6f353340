/** Room on the older side of a diff for the cards of comments on the later one, so that lines stay beside each other. */
import { type Chunk, getChunks } from "@codemirror/merge";
import { type Extension, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import type { CardLine } from "~/comments/cards";

interface Gap {
  /** The end of the line that it stands below. */
  pos: number;
  /** In pixels. */
  height: number;
}

const setGaps = StateEffect.define<readonly Gap[]>();

class GapWidget extends WidgetType {
  constructor(private readonly height: number) {
    super();
  }

  override eq(other: GapWidget): boolean {
    return other.height === this.height;
  }

  override toDOM(): HTMLElement {
    const dom = document.createElement("div");
    dom.className = "cm-mergeSpacer";
    dom.style.height = `${this.height}px`;
    return dom;
  }

  override get estimatedHeight(): number {
    return this.height;
  }
}

const held = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(setGaps)) continue;
      const builder = new RangeSetBuilder<Decoration>();
      for (const { pos, height } of effect.value) {
        builder.add(pos, pos, Decoration.widget({ widget: new GapWidget(height), block: true, side: 1 }));
      }
      return builder.finish();
    }
    return value.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

export const gaps: Extension = held;

/** A card out of sight is not in the page, and has no height there: it counts as it was. */
const lastHeights = new WeakMap<HTMLElement, number>();

function heightOf(element: HTMLElement): number {
  if (element.isConnected && element.offsetHeight > 0) lastHeights.set(element, element.offsetHeight);
  return lastHeights.get(element) ?? 0;
}

/** Gives side `a` as much room below its lines as `cards` take on side `b`. */
export function makeRoom(a: EditorView, b: EditorView, cards: readonly CardLine[]): void {
  const chunks = getChunks(b.state)?.chunks ?? [];
  const heights = new Map<number, number>();
  for (const card of cards) {
    const { doc } = b.state;
    const pos = a.state.doc.lineAt(olderSide(chunks, doc.line(Math.min(doc.lines, card.to)).from, a.state.doc.length)).to;
    heights.set(pos, (heights.get(pos) ?? 0) + heightOf(card.element));
  }
  const all = [...heights].filter(([, height]) => height > 0).sort(([x], [y]) => x - y);
  a.dispatch({ effects: setGaps.of(all.map(([pos, height]) => ({ pos, height }))) });
}

/** Where a position of the later text stands in the older one; within a change, at the change's end. */
export function olderSide(chunks: readonly Chunk[], pos: number, length: number): number {
  const inside = chunks.find((chunk) => chunk.fromB <= pos && pos < chunk.toB);
  if (inside) return Math.max(0, Math.min(length, Math.max(inside.fromA, inside.toA - 1)));
  const before = chunks.findLast((chunk) => chunk.toB <= pos);
  return Math.max(0, Math.min(length, pos + (before ? before.toA - before.toB : 0)));
}
