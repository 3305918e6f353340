/**
 * One file on the screen: CodeMirror as a reader of text, of a diff in one column, or of one in two. It never changes
 * what it shows by itself; a newer version comes in as edits, so that cursor, scroll and comments keep their places.
 */
import { standardKeymap } from "@codemirror/commands";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, openSearchPanel, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorSelection, EditorState, type Extension, type TransactionSpec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { type CardLine, commentCards, setCards } from "~/comments/cards";
import { commentGutter } from "~/comments/gutter";
import type { RemoteCursor, RemoteView } from "~/cursors/people";
import { remoteCursors, setCursors } from "~/cursors/remote";
import { remoteViews, setViews } from "~/cursors/views";
import { DIFF_BOUNDS, edits, lineChanges, type LineRange } from "./changes";
import { pointedOut, setAimed, setFresh } from "./fresh";
import { gaps, makeRoom } from "./gaps";
import { colours, languageFor } from "./language";
import { reveal } from "./reveal";
import { placeOf, scrollTo, type TopPlace } from "./scroll";
import { theme } from "./theme";
import { wholeChunks } from "./whole";

export interface PaneSpec {
  path: string;
  text: string;
  layout: "file" | "unified" | "split";
  /** What a diff starts from. */
  base: string;
  wraps: boolean;
}

export interface PaneHooks {
  /** A line of comment is wanted on these lines; null: nobody may write here. */
  onComment: ((from: number, to: number) => void) | null;
  onScroll: () => void;
  /** The cursor or the selection was moved by hand. */
  onCursor: () => void;
  /** A line's number was clicked. */
  onLine: (from: number, to: number) => void;
}

const FRESH_FOR = 2_600;
const COLLAPSE = { margin: 3, minSize: 6 };

export class Pane {
  readonly view: EditorView;
  private readonly merge: MergeView | null = null;
  private readonly wrap = new Compartment();
  private readonly language = new Compartment();
  private timer = 0;
  private cards: readonly CardLine[] = [];
  /** Cards that change their height change the room that the other side needs. */
  private readonly grown = new ResizeObserver(() => this.align());
  /** Taken down: another one stands, or will stand, in its place. */
  isGone = false;

  constructor(
    parent: HTMLElement,
    private readonly spec: PaneSpec,
    private readonly hooks: PaneHooks,
  ) {
    if (spec.layout === "split") {
      this.merge = new MergeView({
        parent,
        a: { doc: spec.base, extensions: [this.reader(`${spec.path}, before`), wholeChunks("a"), gaps] },
        b: { doc: spec.text, extensions: [this.reader(`${spec.path}, after`), this.shared(), wholeChunks("b")] },
        collapseUnchanged: COLLAPSE,
        gutter: true,
        diffConfig: DIFF_BOUNDS,
      });
      this.view = this.merge.b;
    } else {
      const isDiff = spec.layout === "unified";
      this.view = new EditorView({
        parent,
        doc: spec.text,
        extensions: [
          this.reader(isDiff ? `Changes to ${spec.path}` : spec.path),
          this.shared(),
          isDiff ? [unified(spec.base), wholeChunks("b")] : [],
        ],
      });
    }
    this.scroller.addEventListener("scroll", hooks.onScroll, { passive: true });
    void this.colour();
  }

  get scroller(): HTMLElement {
    return this.merge?.dom ?? this.view.scrollDOM;
  }

  get place(): TopPlace {
    return placeOf(this.view, this.scroller);
  }

  /** Another version of the same file. `isNews`: what differs is pointed out for a moment. */
  setText(content: string, isNews: boolean): void {
    const { state } = this.view;
    const text = state.toText(this.shown(content)).toString();
    const before = state.doc.toString();
    if (before === text) return;
    const place = this.place;
    const isAtTop = this.scroller.scrollTop < 1;
    const { changed } = lineChanges(state.doc, state.toText(text));
    this.view.dispatch({
      changes: edits(before, text),
      effects: [setAimed.of(null), setFresh.of(isNews ? changed : [])],
    });
    // An editor holds its own scroll at an anchor; one that grows inside of another's does not.
    if (isAtTop) this.scroller.scrollTop = 0;
    else if (this.merge) scrollTo(this.view, this.scroller, place.top_line, place.fraction);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.dispatch({ effects: setFresh.of([]) }), FRESH_FOR);
    this.view.requestMeasure();
  }

  setWraps(wraps: boolean): void {
    const effects = this.wrap.reconfigure(wraps ? EditorView.lineWrapping : []);
    for (const view of this.views) view.dispatch({ effects });
  }

  setCards(cards: readonly CardLine[]): void {
    // A card that finds another place in the page must not take the focus from whoever writes in it.
    const focused = document.activeElement;
    this.dispatch({ effects: setCards.of(cards) });
    reveal(
      this.view,
      cards.filter((card) => card.isOpen).map((card) => card.to),
    );
    this.cards = cards;
    this.grown.disconnect();
    if (this.merge) for (const card of cards) this.grown.observe(card.element);
    if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected) {
      focused.focus({ preventScroll: true });
    }
  }

  setPeople(cursors: readonly RemoteCursor[], views: readonly RemoteView[]): void {
    this.dispatch({ effects: [setCursors.of(cursors), setViews.of(views)] });
  }

  /** Brings lines into sight. `marks`: they are pointed out, and the cursor goes there. */
  goTo(lines: LineRange, fraction: number | null, marks: boolean): void {
    const { doc } = this.view.state;
    const from = Math.min(doc.lines, Math.max(1, lines.from));
    const to = Math.min(doc.lines, Math.max(from, lines.to));
    reveal(this.view, [from, to]);
    if (marks) {
      this.dispatch({ selection: EditorSelection.cursor(doc.line(from).from), effects: setAimed.of({ from, to }) });
    }
    scrollTo(this.view, this.scroller, from, fraction);
  }

  /** Back to a place that was left, with what is folded as it is. */
  restore({ top_line, fraction }: Pick<TopPlace, "top_line" | "fraction">): void {
    scrollTo(this.view, this.scroller, top_line, fraction);
  }

  focus(): void {
    this.view.focus();
  }

  search(): void {
    openSearchPanel(this.view);
  }

  private align(): void {
    if (this.merge && !this.isGone) makeRoom(this.merge.a, this.merge.b, this.cards);
  }

  destroy(): void {
    this.isGone = true;
    this.grown.disconnect();
    clearTimeout(this.timer);
    this.scroller.removeEventListener("scroll", this.hooks.onScroll);
    if (this.merge) this.merge.destroy();
    else this.view.destroy();
  }

  /** After the last line's break there is no line, for people; where contents are compared, the break itself counts. */
  private shown(text: string): string {
    return this.spec.layout === "file" ? text.replace(/\r?\n$/, "") : text;
  }

  private get views(): EditorView[] {
    return this.merge ? [this.merge.a, this.merge.b] : [this.view];
  }

  private dispatch(change: TransactionSpec): void {
    this.view.dispatch(change);
  }

  private async colour(): Promise<void> {
    try {
      const found = await languageFor(this.spec.path, this.spec.text);
      const effects = this.language.reconfigure(found);
      for (const view of this.views) if (view.dom.isConnected) view.dispatch({ effects });
    } catch (error) {
      console.warn(`${this.spec.path} stays plain: its parser did not come.`, error);
    }
  }

  /** What every text here has, the older side of a diff too. */
  private reader(label: string): Extension {
    return [
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, "aria-readonly": "true" }),
      highlightSpecialChars(),
      drawSelection(),
      colours,
      theme,
      search({ top: true }),
      highlightSelectionMatches({ minSelectionLength: 3 }),
      this.wrap.of(this.spec.wraps ? EditorView.lineWrapping : []),
      this.language.of([]),
      lineNumbers({
        domEventHandlers: {
          mousedown: (view, block, event) => this.clickedLine(view, block.from, event as MouseEvent),
        },
      }),
    ];
  }

  /** What belongs to the text that people talk about: cursors, comments, keys. */
  private shared(): Extension {
    const { onComment } = this.hooks;
    return [
      highlightActiveLine(),
      highlightActiveLineGutter(),
      pointedOut,
      commentCards(),
      onComment ? commentGutter(onComment) : [],
      remoteCursors(),
      remoteViews(),
      keymap.of([...searchKeymap, ...standardKeymap]),
      EditorView.updateListener.of((update) => {
        const isByHand = update.transactions.some((one) => one.isUserEvent("select"));
        if (update.selectionSet && isByHand) this.hooks.onCursor();
        if (update.geometryChanged) this.hooks.onScroll();
      }),
    ];
  }

  private clickedLine(view: EditorView, from: number, event: MouseEvent): boolean {
    if (view !== this.view || event.button !== 0) return false;
    const { doc, selection } = view.state;
    const line = doc.lineAt(from).number;
    const start = event.shiftKey ? doc.lineAt(selection.main.anchor).number : line;
    const lines = { from: Math.min(start, line), to: Math.max(start, line) };
    event.preventDefault();
    view.dispatch({ selection: EditorSelection.cursor(doc.line(start).from), effects: setAimed.of(lines), userEvent: "select" });
    this.hooks.onLine(lines.from, lines.to);
    return true;
  }
}

function unified(original: string): Extension {
  return unifiedMergeView({
    original,
    mergeControls: false,
    gutter: true,
    collapseUnchanged: COLLAPSE,
    diffConfig: DIFF_BOUNDS,
  });
}
