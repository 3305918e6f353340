/** Where a message is written: Enter sends, Shift+Enter breaks the line, @ completes a name, files are attached, pasted
 *  or dropped, the draft is kept. */
import { type ClipboardEvent, type KeyboardEvent, type Ref, useEffect, useId, useImperativeHandle, useRef, useState } from "react";
import { UploadList } from "~/attachments/upload-list";
import { useDrop } from "~/attachments/use-drop";
import { useUploads } from "~/attachments/use-uploads";
import { remember, remembered } from "~/lib/storage";
import { useClient, useClientState, useSession } from "~/session/context";
import { Icon } from "~/ui/icon";
import { MentionField } from "./mention-field";
import { mentionedIn } from "./mentions";

export interface ComposerHandle {
  focus(): void;
}

interface Props {
  sessionId: string;
  /** The thread that is answered in, and whether what began it stays in the session. */
  thread?: { id: string; sessionOnly: boolean };
  /** ↑ in the empty field: the last message of this person is to be edited. */
  onEditLast?: () => void;
  /** Escape in the field, where nothing else takes it. */
  onLeave?: () => void;
  ref?: Ref<ComposerHandle>;
}

export function Composer(props: Props) {
  const role = useSession((state) => state.role);
  const status = useSession((state) => state.session?.status ?? null);
  const host = useSession((state) => state.session?.host.username ?? "the host");
  if (status === "ended") {
    return <WhyNot>This session has ended. Its chat can be read, not continued.</WhyNot>;
  }
  if (role === "viewer") {
    return <WhyNot>You are a viewer here: you see everything and write nothing. Ask {host} to make you an editor.</WhyNot>;
  }
  return <Editor {...props} isReady={role !== null} />;
}

function WhyNot({ children }: { children: React.ReactNode }) {
  return (
    <p className="border-line bg-sunken text-ink-soft flex items-start gap-2 border-t px-4 py-3 text-xs" role="note">
      <Icon name="eye" size={14} className="mt-0.5" />
      <span>{children}</span>
    </p>
  );
}

function Editor({ sessionId, isReady, thread, onEditLast, onLeave, ref }: Props & { isReady: boolean }) {
  const client = useClient();
  const draftName = `cosession.draft.${sessionId}${thread ? `.${thread.id}` : ""}`;
  const [text, setText] = useState(() => remembered(draftName) ?? "");
  // What answers something that stays here, stays here unless its author decides otherwise.
  const [isKept, keep] = useState(thread?.sessionOnly ?? false);
  const isMirrored = useSession((state) => state.session?.is_mirrored ?? false);
  const members = useSession((state) => state.members);
  const longest = useSession((state) => state.limits?.message_characters ?? 12_000);
  const isOffline = useClientState((state) => state.line.phase === "waiting");
  const field = useRef<HTMLTextAreaElement>(null);
  const hintId = useId();
  useImperativeHandle(ref, () => ({ focus: () => field.current?.focus() }), []);
  useEffect(() => remember(draftName, text || null), [draftName, text]);

  const uploads = useUploads(sessionId, draftName);
  const root = useRef<HTMLDivElement>(null);
  const isDropped = useDrop(root, uploads.add);
  const picker = useRef<HTMLInputElement>(null);
  const files = uploads.items.flatMap((item) => item.file ?? []);
  const areFilesThere = files.length === uploads.items.length;
  const isTooLong = text.length > longest;
  const canSend = (text.trim() !== "" || files.length > 0) && areFilesThere && !isTooLong && isReady;
  const change = (value: string) => {
    setText(value);
    client.typing(value.trim() !== "");
  };
  const send = () => {
    if (!canSend) return;
    client.say({
      content: text.trim(),
      files,
      mentions: mentionedIn(text, [...members.values()]),
      parentId: thread?.id ?? null,
      sessionOnly: isMirrored && isKept,
    });
    setText("");
    uploads.clear();
    client.typing(false);
  };
  const onPaste = (event: ClipboardEvent) => {
    const pasted = [...event.clipboardData.files];
    // Office programs put a picture of the text beside the text.
    if (pasted.length === 0 || event.clipboardData.getData("text/plain") !== "") return;
    event.preventDefault();
    uploads.add(pasted);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && text === "" && onEditLast) {
      event.preventDefault();
      onEditLast();
    } else if (event.key === "Escape" && !onLeave) {
      event.currentTarget.blur();
    } else if (event.key === "Escape") {
      event.preventDefault();
      onLeave?.();
    }
  };

  return (
    <div
      ref={root}
      onPaste={onPaste}
      className={`border-line border-t p-2.5 ${isDropped ? "bg-selected" : "bg-surface"}`}
    >
      <UploadList sessionId={sessionId} uploads={uploads} />
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        data-testid="file-picker"
        onChange={(event) => {
          uploads.add([...(event.target.files ?? [])]);
          event.target.value = "";
          field.current?.focus();
        }}
      />
      <MentionField
        ref={field}
        value={text}
        onChange={change}
        onKeyDown={onKeyDown}
        onBlur={() => client.typing(false)}
        label={thread ? "Reply in the thread" : "Message"}
        describedBy={hintId}
        isInvalid={isTooLong}
        placeholder={isDropped ? "Drop the files here" : isOffline ? "Write; it is sent when you are back" : thread ? "Reply…" : "Message the session"}
      >
        <button
          type="button"
          aria-label="Attach files"
          title="Attach files, up to ten of 10 MiB each; or paste or drop them"
          onClick={() => picker.current?.click()}
          className="text-ink-soft hover:bg-hover hover:text-ink my-1 -mr-1 grid size-7 place-items-center rounded-md transition-colors"
        >
          <Icon name="clip" size={14} />
        </button>
        <button
          type="button"
          aria-label={thread ? "Send the reply" : "Send"}
          title={areFilesThere ? "Send (Enter)" : "Wait for the files, or remove what did not get through"}
          disabled={!canSend}
          onClick={send}
          className="bg-accent text-accent-ink hover:bg-accent-strong disabled:bg-sunken disabled:text-ink-faint m-1 grid size-7 place-items-center rounded-md transition-colors"
        >
          <Icon name="send" size={14} />
        </button>
      </MentionField>
      {isMirrored && (
        <label
          className={`mt-1.5 flex w-fit cursor-pointer items-center gap-1.5 rounded px-1 text-xs ${isKept ? "text-warn font-medium" : "text-ink-soft"}`}
          title="Otherwise it is also posted in the Slack thread."
        >
          <input
            type="checkbox"
            checked={isKept}
            onChange={(event) => keep(event.target.checked)}
            className="accent-accent size-3.5"
          />
          This stays in the session
          {isKept && <Icon name="lock" size={12} />}
        </label>
      )}
      <p id={hintId} className={isTooLong ? "text-bad mt-1 px-1 text-2xs" : "sr-only"}>
        {isTooLong
          ? `${(text.length - longest).toLocaleString("en")} characters too many. Split it into several messages.`
          : "Enter sends, Shift and Enter begins a new line."}
      </p>
    </div>
  );
}
