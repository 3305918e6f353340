/** A virtual list draws a row some frames after it was asked to scroll there. */
const FRAMES = 30;

/** Puts the focus on what `selector` finds in `root`, once it is drawn; then calls `then` with it. */
export function focusWhenDrawn(root: HTMLElement | null, selector: string, then?: (found: HTMLElement) => void): void {
  let left = FRAMES;
  const look = () => {
    const found = root?.querySelector<HTMLElement>(selector);
    // Keyboard or not: whoever asked to be led here should see where it is.
    found?.focus({ preventScroll: true, focusVisible: true } as FocusOptions);
    // A row that the list has not measured yet is hidden, and takes no focus.
    if (found && document.activeElement === found) {
      then?.(found);
    } else if (left > 0) {
      left -= 1;
      requestAnimationFrame(look);
    }
  };
  requestAnimationFrame(look);
}
