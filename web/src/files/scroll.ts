/** The place in an editor as lines, not pixels: which line is on top and how much of it is gone; and the way back there. */
import { BlockInfo, BlockType, EditorView } from "@codemirror/view";
import { offsetOf } from "~/cursors/remote";

export interface TopPlace {
  top_line: number;
  bottom_line: number;
  fraction: number;
}

/** Milliseconds that a short way takes; a long one is a jump. */
const GLIDE = 120;

/** A line's own text, without the cards and removed lines that hang on it. */
function textBlock(view: EditorView, line: number): { top: number; height: number } {
  const block = view.lineBlockAt(view.state.doc.line(line).from);
  const { type } = block;
  if (!Array.isArray(type)) return block;
  return (type as readonly BlockInfo[]).find((part) => part.type === BlockType.Text) ?? block;
}

/** `scroller` is what scrolls around `view`: its own, or that of a diff of two sides. */
export function placeOf(view: EditorView, scroller: HTMLElement): TopPlace {
  const box = scroller.getBoundingClientRect();
  const start = box.top - view.documentTop;
  const { doc } = view.state;
  const lineAt = (height: number) => doc.lineAt(view.lineBlockAtHeight(Math.max(0, height)).from).number;
  // Scroll positions are rounded: less than a pixel of a line is no part of it.
  const top_line = lineAt(start + 1);
  const block = textBlock(view, top_line);
  const gone = block.height > 0 ? (start - block.top) / block.height : 0;
  return {
    top_line,
    bottom_line: Math.max(top_line, lineAt(start + box.height - 1)),
    fraction: Math.round(Math.min(1, Math.max(0, gone)) * 100) / 100,
  };
}

/** Brings `line` to the top with `fraction` of it gone; with null, into the upper third. */
export function scrollTo(view: EditorView, scroller: HTMLElement, line: number, fraction: number | null): void {
  const at = Math.min(view.state.doc.lines, Math.max(1, line));
  const target = () => {
    const block = textBlock(view, at);
    const shown = fraction === null ? -Math.min(scroller.clientHeight / 3, 180) : fraction * block.height;
    return scroller.scrollTop + view.documentTop + block.top + shown - scroller.getBoundingClientRect().top;
  };
  const way = target() - scroller.scrollTop;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (Math.abs(way) < 1) return;
  if (!isStill && Math.abs(way) < scroller.clientHeight * 1.5) {
    glide(scroller, target);
    return;
  }
  // Far lines have estimated heights: drawn first, then measured.
  view.dispatch({
    effects: EditorView.scrollIntoView(offsetOf(view.state.doc, at, 1), { y: fraction === null ? "center" : "start" }),
  });
  const settle = (left: number) =>
    requestAnimationFrame(() => {
      if (!scroller.isConnected) return;
      scroller.scrollTop = target();
      if (left > 0) settle(left - 1);
    });
  settle(3);
}

const gliding = new WeakMap<HTMLElement, number>();

function glide(scroller: HTMLElement, target: () => number): void {
  const start = performance.now();
  const from = scroller.scrollTop;
  const to = target();
  cancelAnimationFrame(gliding.get(scroller) ?? 0);
  const step = (now: number) => {
    const part = Math.min(1, (now - start) / GLIDE);
    // Eases out without ever passing the end.
    scroller.scrollTop = from + (to - from) * (1 - (1 - part) ** 2);
    if (part < 1) gliding.set(scroller, requestAnimationFrame(step));
    else scroller.scrollTop = target();
  };
  gliding.set(scroller, requestAnimationFrame(step));
}
