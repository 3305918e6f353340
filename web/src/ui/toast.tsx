/** Shows the line that `~/lib/toast` holds until it is closed, or for ten seconds. */
import { useEffect } from "react";
import { useStore } from "zustand";
import { say, toast } from "~/lib/toast";
import { IconButton } from "./controls";

export function Toast() {
  const text = useStore(toast, (state) => state.text);
  useEffect(() => {
    if (text === null) return;
    const id = setTimeout(() => say(null), 10_000);
    return () => clearTimeout(id);
  }, [text]);
  return (
    <div role="status" className="pointer-events-none fixed inset-x-0 bottom-4 z-40 flex justify-center px-3">
      {text !== null && (
        <p className="bg-ink text-paper shadow-raised pointer-events-auto flex max-w-lg items-center gap-2 rounded-card py-1.5 pr-1.5 pl-4 text-sm">
          {text}
          <IconButton
            icon="close"
            label="Close message"
            onClick={() => say(null)}
            className="text-paper! hover:bg-paper/15! shrink-0"
          />
        </p>
      )}
    </div>
  );
}
