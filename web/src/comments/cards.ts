/**
 * Cards below lines of a file: the editor keeps a place for each, the page draws into it. A card's element outlives the
 * lines that come and go while somebody scrolls, so what is being written in it is not lost.
 */
import { type Extension, RangeSetBuilder, StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, type Rect, ViewPlugin, WidgetType } from "@codemirror/view";

export interface CardLine {
  key: string;
  /** The lines that it speaks of; it stands below the last. */
  from: number;
  to: number;
  element: HTMLElement;
  /** Its lines are marked beside their numbers. */
  isOpen: boolean;
}

export const setCards = StateEffect.define<readonly CardLine[]>();

class CardWidget extends WidgetType {
  constructor(readonly card: CardLine) {
    super();
  }

  override eq(other: CardWidget): boolean {
    return other.card.element === this.card.element;
  }

  /** The editor may draw a widget's new place before it takes the old one away: each place is a frame of its own. */
  override toDOM(): HTMLElement {
    const frame = document.createElement("div");
    frame.append(this.card.element);
    return frame;
  }

  override get estimatedHeight(): number {
    return this.card.element.offsetHeight || -1;
  }

  /** Keys and clicks in a card are the card's. */
  override ignoreEvent(): boolean {
    return true;
  }

  override coordsAt(dom: HTMLElement): Rect | null {
    return dom.getBoundingClientRect();
  }
}

const spoken = Decoration.line({ class: "cm-spoken-of" });

function decorations(doc: Text, cards: readonly CardLine[]): DecorationSet {
  const lines = new Set<number>();
  const below = new Map<number, CardLine[]>();
  const inside = (line: number) => Math.min(doc.lines, Math.max(1, line));
  for (const card of cards) {
    const to = inside(card.to);
    if (card.isOpen) for (let line = inside(card.from); line <= to; line += 1) lines.add(line);
    below.set(to, [...(below.get(to) ?? []), card]);
  }
  const builder = new RangeSetBuilder<Decoration>();
  for (const number of [...new Set([...lines, ...below.keys()])].sort((a, b) => a - b)) {
    const line = doc.line(number);
    if (lines.has(number)) builder.add(line.from, line.from, spoken);
    (below.get(number) ?? []).forEach((card, at) => {
      builder.add(line.to, line.to, Decoration.widget({ widget: new CardWidget(card), block: true, side: at + 1 }));
    });
  }
  return builder.finish();
}

interface Held {
  cards: readonly CardLine[];
  set: DecorationSet;
}

const held = StateField.define<Held>({
  create: () => ({ cards: [], set: Decoration.none }),
  update(value, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(setCards)) return { cards: effect.value, set: decorations(transaction.state.doc, effect.value) };
    }
    // Until their places in a new version are known, cards go with the lines that they hang on.
    return transaction.docChanged ? { ...value, set: value.set.map(transaction.changes) } : value;
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.set),
});

/** A card that grows moves what is below it: the editor measures anew. */
const watched = ViewPlugin.define((view) => {
  const observer = new ResizeObserver(() => view.requestMeasure());
  const watch = () => {
    observer.disconnect();
    for (const card of view.state.field(held).cards) observer.observe(card.element);
  };
  watch();
  return {
    update(update) {
      if (update.startState.field(held).cards !== update.state.field(held).cards) watch();
    },
    destroy: () => observer.disconnect(),
  };
});

export const commentCards = (): Extension => [held, watched];
