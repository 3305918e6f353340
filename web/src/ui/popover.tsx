/** A small window beside the thing that opened it: a click elsewhere and Escape close it, and the focus goes back. */
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";

const GAP = 4;
const EDGE = 8;

interface Props {
  anchor: HTMLElement;
  label: string;
  onClose: () => void;
  className?: string;
  children: ReactNode;
}

export function Popover({ anchor, label, onClose, className = "", children }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<{ left: number; top: number } | null>(null);

  useLayoutEffect(() => {
    const settle = () => {
      const box = frame.current?.getBoundingClientRect();
      if (!box) return;
      const at = anchor.getBoundingClientRect();
      const below = at.bottom + GAP;
      const top = below + box.height <= innerHeight - EDGE ? below : Math.max(EDGE, at.top - GAP - box.height);
      setPlace({ left: Math.max(EDGE, Math.min(at.right - box.width, innerWidth - EDGE - box.width)), top });
    };
    settle();
    const observer = new ResizeObserver(settle);
    if (frame.current) observer.observe(frame.current);
    window.addEventListener("resize", settle);
    window.addEventListener("scroll", settle, true);
    return () => {
      observer.disconnect();
      window.removeEventListener("resize", settle);
      window.removeEventListener("scroll", settle, true);
    };
  }, [anchor]);

  const latest = useRef(onClose);
  useEffect(() => {
    latest.current = onClose;
  });
  useEffect(() => {
    const onPress = (event: PointerEvent) => {
      const target = event.target as Node;
      if (!frame.current?.contains(target) && !anchor.contains(target)) latest.current();
    };
    document.addEventListener("pointerdown", onPress);
    return () => document.removeEventListener("pointerdown", onPress);
  }, [anchor]);
  useEffect(() => {
    const inner = frame.current;
    if (!inner?.contains(document.activeElement)) inner?.focus({ preventScroll: true });
    return () => {
      const { activeElement } = document;
      // Where the focus went elsewhere by a click, it stays there.
      if (activeElement === null || activeElement === document.body || inner?.contains(activeElement)) {
        anchor.focus({ preventScroll: true });
      }
    };
  }, [anchor]);

  return createPortal(
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- hears the keys of what stands within
    <div
      ref={frame}
      role="dialog"
      aria-label={label}
      tabIndex={-1}
      onKeyDown={(event) => {
        // Keys of the page do not count in here.
        event.stopPropagation();
        if (event.key !== "Escape") return;
        event.preventDefault();
        onClose();
      }}
      style={{ position: "fixed", left: place?.left ?? 0, top: place?.top ?? 0, opacity: place ? 1 : 0 }}
      className={`bg-raised text-ink border-line shadow-raised z-40 max-w-[calc(100vw-1rem)] rounded-card border outline-none ${className}`}
    >
      {children}
    </div>,
    document.body,
  );
}
