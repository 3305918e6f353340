/** A line that opens: its summary is a button, its body hangs below. */
import { type ReactNode, useId } from "react";
import { useFold } from "~/session/context";
import { Icon } from "~/ui/icon";

export function Fold({
  rowKey,
  byDefault,
  summary,
  aside,
  children,
}: {
  rowKey: string;
  byDefault: boolean;
  summary: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
}) {
  const [isOpen, toggle] = useFold(rowKey, byDefault);
  const id = useId();
  return (
    <div>
      <button
        type="button"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={toggle}
        className="hover:bg-hover rounded-control flex min-h-7 w-full items-center gap-1.5 px-1 py-0.5 text-left text-xs -outline-offset-1"
      >
        <Icon
          name="chevron"
          size={12}
          className={`text-ink-faint transition-transform ${isOpen ? "rotate-90" : ""}`}
        />
        <span className="min-w-0 flex-1">{summary}</span>
        {aside}
      </button>
      {isOpen && (
        <div id={id} className="pt-1 pb-2 sm:pl-5">
          {children}
        </div>
      )}
    </div>
  );
}
