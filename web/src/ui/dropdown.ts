/** What drops down from a button: arrows walk it; Escape, Tab and a press elsewhere close it. */
import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from "react";

export interface Dropdown {
  /** Goes on the element that holds the button and what drops from it. */
  frame: RefObject<HTMLDivElement | null>;
  isOpen: boolean;
  toggle: () => void;
  /** Closes it and gives the focus back to the button. */
  close: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
}

/** `items` selects what the arrows walk; `first` what has the focus on opening; `wraps` joins the two ends. */
export function useDropdown({ items, first = items, wraps }: { items: string; first?: string; wraps: boolean }): Dropdown {
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!isOpen) return;
    frame.current?.querySelector<HTMLElement>(first)?.focus();
    const onPress = (event: PointerEvent) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPress);
    return () => document.removeEventListener("pointerdown", onPress);
  }, [isOpen, first]);

  const close = () => {
    setOpen(false);
    frame.current?.querySelector<HTMLElement>("[aria-haspopup]")?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen) return;
    const found = [...(frame.current?.querySelectorAll<HTMLElement>(items) ?? [])];
    const next = neighbour(found, found.indexOf(document.activeElement as HTMLElement), event.key, wraps);
    if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
    else if (next) next.focus();
    else return;
    event.stopPropagation();
    // Tab goes on to what follows.
    if (event.key !== "Tab") event.preventDefault();
  };

  return { frame, isOpen, toggle: () => setOpen(!isOpen), close, onKeyDown };
}

function neighbour(found: HTMLElement[], at: number, key: string, wraps: boolean): HTMLElement | undefined {
  const last = found.length - 1;
  const next = {
    ArrowDown: wraps && at === last ? 0 : Math.min(last, at + 1),
    ArrowUp: wraps && at <= 0 ? last : Math.max(0, at - 1),
    Home: 0,
    End: last,
  }[key];
  return next === undefined ? undefined : found[next];
}
