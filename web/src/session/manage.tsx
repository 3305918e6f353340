/** What a host does with the session itself: give it another title, or end it. */
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api } from "~/api/cosession";
import { plural } from "~/lib/format";
import { useSession } from "~/session/context";
import type { SessionView } from "~/session/protocol";
import { Button, Field, Refusal } from "~/ui/controls";
import { Dialog } from "~/ui/dialog";

interface Props {
  session: SessionView;
  onClose: () => void;
}

export function RenameDialog({ session, onClose }: Props) {
  const [title, setTitle] = useState(session.title);
  const rename = useMutation({ mutationFn: () => api.renameSession(session.id, title.trim()), onSuccess: onClose });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (title.trim() === session.title) onClose();
    else if (title.trim()) rename.mutate();
  };
  return (
    <Dialog title="Rename session" onClose={onClose}>
      <form onSubmit={submit} className="space-y-5">
        <Field
          label="Title"
          hint="Everybody sees it, here and in Slack."
          error={rename.error?.message}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          onFocus={(event) => event.target.select()}
          maxLength={200}
          autoComplete="off"
          autoFocus
          required
        />
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" look="primary" disabled={!title.trim() || rename.isPending}>
            {rename.isPending ? "Renaming…" : "Rename"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function EndDialog({ session, onClose }: Props) {
  const count = useSession((state) => state.members.size);
  const kept = useSession((state) => state.limits?.kept_days ?? null);
  const end = useMutation({ mutationFn: () => api.endSession(session.id), onSuccess: onClose });
  return (
    <Dialog title="End this session?" onClose={onClose}>
      <p className="text-sm">
        <strong className="font-semibold break-words">{session.title}</strong> ends for{" "}
        {count > 1 ? `all ${plural(count, "person", "people")}` : "you"}, for good.
      </p>
      <ul className="text-ink-soft mt-3 list-disc space-y-1 pl-5 text-sm">
        <li>Nobody can write or be invited any more{session.is_mirrored ? ", here or in the Slack thread" : ""}.</li>
        <li>The agent keeps running where it runs; what it does is not shared any more.</li>
        <li>
          Transcript and chat stay readable for everybody who is in it
          {kept === null ? "." : `, for ${plural(kept, "day")}. Then they are deleted.`}
        </li>
      </ul>
      {end.isError && <Refusal className="mt-4">{end.error.message}</Refusal>}
      <div className="mt-5 flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          Cancel
        </Button>
        <Button look="danger" disabled={end.isPending} onClick={() => end.mutate()}>
          {end.isPending ? "Ending…" : "End session"}
        </Button>
      </div>
    </Dialog>
  );
}
