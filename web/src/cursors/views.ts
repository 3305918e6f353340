/** Which part of the file others see: a thin bar each, in their colour, beside the scroll bar. */
import { type Extension, StateEffect, StateField } from "@codemirror/state";
import { type EditorView, type PluginValue, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import type { RemoteView } from "./people";
import "./cursors.css";

export const setViews = StateEffect.define<readonly RemoteView[]>();

const held = StateField.define<readonly RemoteView[]>({
  create: () => [],
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setViews)) return effect.value;
    return value;
  },
});

/** Pixels between the bars of two people. */
const STEP = 4;

class Bars implements PluginValue {
  private readonly dom = document.createElement("div");
  private readonly bars = new Map<string, HTMLElement>();

  constructor(view: EditorView) {
    this.dom.className = "remote-views";
    this.dom.setAttribute("aria-hidden", "true");
    view.dom.append(this.dom);
    this.draw(view);
  }

  update(update: ViewUpdate): void {
    const isNews = update.startState.field(held) !== update.state.field(held);
    if (isNews || update.docChanged || update.geometryChanged) this.draw(update.view);
  }

  destroy(): void {
    this.dom.remove();
  }

  private draw(view: EditorView): void {
    view.requestMeasure({
      key: this,
      read: () => {
        const whole = view.contentHeight || 1;
        const lines = view.state.doc.lines;
        const y = (line: number, edge: "top" | "bottom") =>
          view.lineBlockAt(view.state.doc.line(Math.min(lines, Math.max(1, line))).from)[edge] / whole;
        return view.state.field(held).map((seen) => ({ seen, top: y(seen.top, "top"), bottom: y(seen.bottom, "bottom") }));
      },
      write: (places) => {
        const gone = new Set(this.bars.keys());
        places.forEach(({ seen, top, bottom }, at) => {
          gone.delete(seen.user_id);
          const bar = this.bars.get(seen.user_id) ?? this.add(seen);
          bar.style.top = `${top * 100}%`;
          bar.style.height = `${Math.max(0.5, (bottom - top) * 100)}%`;
          bar.style.right = `${at * STEP}px`;
          bar.title = `${seen.username} sees lines ${seen.top} to ${seen.bottom}`;
        });
        for (const id of gone) {
          this.bars.get(id)?.remove();
          this.bars.delete(id);
        }
      },
    });
  }

  private add(seen: RemoteView): HTMLElement {
    const bar = document.createElement("div");
    bar.className = "remote-view";
    bar.dataset.user = seen.user_id;
    bar.dataset.person = String(seen.color % 12);
    this.bars.set(seen.user_id, bar);
    this.dom.append(bar);
    return bar;
  }
}

export const remoteViews = (): Extension => [held, ViewPlugin.fromClass(Bars)];
