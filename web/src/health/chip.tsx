/** The session's health in the header, and the panel that tells why it is what it is. Both are live. */
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useSession } from "~/session/context";
import { HealthPanel } from "./panel";
import { Disc, softOf } from "./score";
import { levelOf } from "./words";

/** Where there is little room, the panel takes the page's width. */
export function HealthChip({ isNarrow }: { isNarrow: boolean }) {
  const health = useSession((state) => state.health);
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLSpanElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!isOpen) return;
    panel.current?.focus();
    const onPress = (event: PointerEvent) => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPress);
    return () => document.removeEventListener("pointerdown", onPress);
  }, [isOpen]);
  if (!health) return null;
  const score = health.health_score;
  const level = score === null ? null : levelOf(score);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return;
    event.preventDefault();
    event.stopPropagation();
    setOpen(false);
    frame.current?.querySelector("button")?.focus();
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- hears the keys of what is within
    <span ref={frame} className={`shrink-0 ${isNarrow ? "" : "relative"}`} onKeyDown={onKeyDown}>
      <button
        type="button"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        aria-label={level === null ? "Health: nothing to measure yet" : `Health ${score} of 100, ${level}`}
        title="How the agent is doing"
        onClick={() => setOpen(!isOpen)}
        className={`flex h-5 items-center gap-1.5 rounded-full px-2 text-2xs font-medium tabular-nums ${level === null ? "bg-sunken text-ink-soft" : softOf[level]}`}
      >
        {level === null ? (
          <>
            <span className="size-2 rounded-full border-[1.5px] border-dashed border-current" />
            <span className="hidden sm:inline">Health</span>
          </>
        ) : (
          <>
            <Disc level={level} />
            {score}
            <span className="hidden sm:inline">{level}</span>
          </>
        )}
      </button>
      {isOpen && (
        <div
          id={id}
          ref={panel}
          role="dialog"
          aria-label="How the agent is doing"
          tabIndex={-1}
          className={`bg-raised border-line shadow-raised text-ink absolute z-40 max-h-[75vh] overflow-y-auto rounded-card border p-4 whitespace-normal outline-none ${
            isNarrow ? "inset-x-3 top-13" : "top-full left-0 mt-7 w-88"
          }`}
        >
          <HealthPanel health={health} />
        </div>
      )}
    </span>
  );
}
