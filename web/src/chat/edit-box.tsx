/** A message while its text is changed: Enter saves, Escape leaves it as it was. */
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useClient, useSession } from "~/session/context";
import type { Message } from "~/session/state";
import { Button } from "~/ui/controls";
import { MentionField } from "./mention-field";
import { mentionedIn } from "./mentions";

export function EditBox({ message, onDone }: { message: Message; onDone: () => void }) {
  const client = useClient();
  const members = useSession((state) => state.members);
  const longest = useSession((state) => state.limits?.message_characters ?? 12_000);
  const [text, setText] = useState(message.content);
  const field = useRef<HTMLTextAreaElement>(null);
  const hintId = useId();
  useEffect(() => {
    field.current?.focus({ preventScroll: true });
    field.current?.setSelectionRange(message.content.length, message.content.length);
  }, [message.id, message.content.length]);

  const isTooLong = text.length > longest;
  const canSave = text.trim() !== "" && !isTooLong;
  const save = () => {
    if (!canSave) return;
    const content = text.trim();
    if (content !== message.content) {
      client.change(message.id, { kind: "edit", content, mentions: mentionedIn(content, [...members.values()]) });
    }
    onDone();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    event.stopPropagation();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      save();
    } else if (event.key === "Escape") {
      event.preventDefault();
      onDone();
    }
  };

  return (
    <div className="w-full space-y-1.5">
      <MentionField
        ref={field}
        value={text}
        onChange={setText}
        onKeyDown={onKeyDown}
        label="Edit the message"
        describedBy={hintId}
        isInvalid={isTooLong}
        className="max-h-60"
      />
      <div className="flex items-center gap-2">
        <Button look="primary" size="sm" disabled={!canSave} onClick={save}>
          Save
        </Button>
        <Button look="ghost" size="sm" onClick={onDone}>
          Cancel
        </Button>
        <span id={hintId} className={isTooLong ? "text-bad text-2xs" : "text-ink-faint text-2xs"}>
          {isTooLong ? `${(text.length - longest).toLocaleString("en")} characters too many.` : "Enter saves, Esc cancels"}
        </span>
      </div>
    </div>
  );
}
