/** The keys of the session page, and the dialog that lists them. */
import { useEffect } from "react";
import { Kbd } from "~/ui/controls";
import { Dialog } from "~/ui/dialog";

export interface Shortcuts {
  focusChat: () => void;
  step: (by: 1 | -1) => void;
  toEnd: () => void;
  toMain: (main: "transcript" | "files") => void;
  /** Begins to follow somebody, or ends it. */
  follow: () => void;
  help: () => void;
}

/** Keys count where nobody writes and no dialog is open. */
export function useShortcuts(shortcuts: Shortcuts): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (target?.closest("input, textarea, select, [contenteditable=true], dialog")) return;
      // An open file has keys of its own.
      const isInFile = target?.closest("[contenteditable]") != null;
      const act: Record<string, () => void> = {
        m: shortcuts.focusChat,
        j: () => shortcuts.step(1),
        k: () => shortcuts.step(-1),
        g: shortcuts.toEnd,
        "1": () => shortcuts.toMain("transcript"),
        "2": () => shortcuts.toMain("files"),
        f: shortcuts.follow,
        "?": shortcuts.help,
      };
      const found = act[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!found || (isInFile && !"12?fF".includes(event.key))) return;
      event.preventDefault();
      found();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [shortcuts]);
}

const keys: [keys: string[], what: string][] = [
  [["J"], "Next entry of the transcript"],
  [["K"], "Entry before"],
  [["G"], "To the latest entry"],
  [["Enter"], "Open or close the entry"],
  [["1"], "The transcript"],
  [["2"], "The files"],
  [["F"], "Follow somebody, or stop it"],
  [["C"], "Comment on the line, in a file"],
  [["/"], "Search; Ctrl or ⌘ with K anywhere"],
  [["M"], "Write a message"],
  [["Enter"], "Send the message"],
  [["Shift", "Enter"], "New line in the message"],
  [["@"], "Mention somebody, or everyone who is here"],
  [["↑"], "Edit your last message, from an empty field"],
  [["R"], "Reply to the message in focus"],
  [["E"], "React to it"],
  [["Esc"], "Leave the message, close a dialog, stop following"],
  [["?"], "This list"],
];

export function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="divide-line divide-y text-sm">
        {keys.map(([names, what]) => (
          <div key={what} className="flex items-center justify-between gap-4 py-1.5">
            <dt className="text-ink-soft">{what}</dt>
            <dd className="flex gap-1">
              {names.map((name) => (
                <Kbd key={name}>{name}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
