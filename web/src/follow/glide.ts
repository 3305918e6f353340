/** A short way that the eye can follow; for whoever wants no motion, and for long ways, none. */

/** Milliseconds. */
const GLIDE = 120;

/** Moves from `from` to `to` by calling `put`; returns what stops it where it is. */
export function glide(from: number, to: number, put: (at: number) => void): () => void {
  let frame = 0;
  const start = performance.now();
  const step = (now: number) => {
    const part = Math.min(1, Math.max(0, now - start) / GLIDE);
    // Eases out without ever passing the end.
    put(from + (to - from) * (1 - (1 - part) ** 2));
    if (part < 1) frame = requestAnimationFrame(step);
  };
  frame = requestAnimationFrame(step);
  return () => cancelAnimationFrame(frame);
}

export const wantsNoMotion = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
