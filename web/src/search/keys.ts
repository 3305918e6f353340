/** `/` where nobody writes, and Ctrl or ⌘ with K anywhere: the search opens. */
import { useEffect } from "react";

export function useSearchKeys(open: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey) return;
      const target = event.target as HTMLElement | null;
      const isPalette = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k";
      const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey;
      const isWriting = target?.closest("input, textarea, select, [contenteditable=true]") != null;
      if (target?.closest("dialog") || !(isPalette || (isSlash && !isWriting))) return;
      event.preventDefault();
      open();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [open]);
}
