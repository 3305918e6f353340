/** Asks before a message is taken back: it cannot be brought again. */
import { inWords } from "~/attachments/sizes";
import { useClient } from "~/session/context";
import { Button } from "~/ui/controls";
import { Dialog } from "~/ui/dialog";
import { type ChatItem, oneLine } from "./items";

export function DeleteDialog({ item, onClose }: { item: ChatItem; onClose: () => void }) {
  const client = useClient();
  return (
    <Dialog title="Delete this message?" onClose={onClose}>
      <blockquote className="border-line-strong text-ink-soft border-l-2 pl-3 text-sm break-words">
        {!item.isMine && <strong className="text-ink block font-semibold">{item.username}</strong>}
        {oneLine(inWords(item.content, item.files))}
      </blockquote>
      <p className="text-ink-soft mt-3 text-sm">
        Its text and its reactions are gone for everybody, for good. Replies to it stay.
      </p>
      <div className="mt-5 flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          Keep it
        </Button>
        <Button
          look="danger"
          autoFocus
          onClick={() => {
            client.change(item.key, { kind: "delete" });
            onClose();
          }}
        >
          Delete
        </Button>
      </div>
    </Dialog>
  );
}
