/** What counts as moving by hand, which ends following, and what does not. Pure. */

export interface Input {
  type: string;
  key?: string;
  ctrlKey?: boolean;
  metaKey?: boolean;
  altKey?: boolean;
}

const SILENT = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "Tab", "Escape", "Dead", "Unidentified"]);
const MOVING = /^(Arrow|Page|Home$|End$)/;

/** Copying, tabbing to a button and the keys of following itself leave somebody where they are led. */
export function isOwnMove(input: Input): boolean {
  if (input.type !== "keydown") return true;
  const key = input.key ?? "";
  if (SILENT.has(key)) return false;
  if (input.ctrlKey || input.metaKey || input.altKey) return MOVING.test(key);
  return key.toLowerCase() !== "f";
}
