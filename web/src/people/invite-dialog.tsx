/** Makes an invite link: for which role, for how long, for how many. */
import { useMutation } from "@tanstack/react-query";
import { useId, useState } from "react";
import { api } from "~/api/cosession";
import { CopyButton } from "~/code/code-block";
import { moment, plural } from "~/lib/format";
import type { Role } from "~/session/protocol";
import { Button, fieldClass, Refusal } from "~/ui/controls";
import { Dialog } from "~/ui/dialog";

const roles: Record<Role, { name: string; what: string }> = {
  viewer: { name: "Viewer", what: "sees everything, writes nothing" },
  editor: { name: "Editor", what: "sees everything, chats, invites others" },
  host: { name: "Host", what: "as editor, and manages the session and its people" },
};
const ranks: Role[] = ["viewer", "editor", "host"];

const HOUR = 3_600;
const expiries = [
  { seconds: HOUR, name: "1 hour" },
  { seconds: 24 * HOUR, name: "1 day" },
  { seconds: 7 * 24 * HOUR, name: "7 days" },
  { seconds: 30 * 24 * HOUR, name: "30 days" },
];
const uses = [1, 5, 25, 100];

export function InviteDialog({
  sessionId,
  myRole,
  onClose,
}: {
  sessionId: string;
  myRole: Role;
  onClose: () => void;
}) {
  const [role, setRole] = useState<Role>(myRole === "viewer" ? "viewer" : "editor");
  const [expiresIn, setExpiresIn] = useState(7 * 24 * HOUR);
  const [maxUses, setMaxUses] = useState(1);
  const invite = useMutation({
    mutationFn: () => api.invite(sessionId, { role, expires_in: expiresIn, max_uses: maxUses }),
  });
  const id = useId();
  const offered = ranks.slice(0, ranks.indexOf(myRole) + 1);
  if (invite.data) {
    return (
      <Dialog title="Invite link" onClose={onClose}>
        <p className="text-ink-soft text-sm">
          Whoever opens it first{maxUses > 1 ? ` (${plural(maxUses, "person", "people")})` : ""} can come in as{" "}
          <strong className="text-ink">{invite.data.role}</strong>, until {moment(invite.data.expires_at)}. It is shown
          only now.
        </p>
        <div className="border-line-strong mt-3 flex items-center gap-1 rounded-control border pr-1">
          <input
            readOnly
            autoFocus
            value={invite.data.url}
            aria-label="Invite link"
            onFocus={(event) => event.target.select()}
            className="h-9 min-w-0 flex-1 bg-transparent px-3 font-mono text-xs outline-none"
          />
          <CopyButton text={invite.data.url} label="Copy link" />
        </div>
        <div className="mt-5 flex justify-end gap-2">
          <Button look="ghost" onClick={() => invite.reset()}>
            Another link
          </Button>
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Invite people" onClose={onClose}>
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault();
          invite.mutate();
        }}
      >
        <fieldset>
          <legend className="mb-1 text-sm font-medium">Role</legend>
          <div className="border-line-strong/60 divide-line divide-y rounded-control border">
            {offered.map((name) => (
              <label
                key={name}
                className="has-checked:bg-selected flex cursor-pointer items-start gap-2.5 px-3 py-2 text-sm"
              >
                <input
                  type="radio"
                  name="role"
                  checked={role === name}
                  onChange={() => setRole(name)}
                  className="accent-accent mt-1"
                />
                <span>
                  <span className="font-medium">{roles[name].name}</span>
                  <span className="text-ink-soft block text-xs">{roles[name].what}</span>
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        <div className="grid grid-cols-2 gap-3 text-sm">
          <label htmlFor={`${id}-expiry`}>
            <span className="mb-1 block font-medium">Expires after</span>
            <select
              id={`${id}-expiry`}
              className={fieldClass}
              value={expiresIn}
              onChange={(event) => setExpiresIn(Number(event.target.value))}
            >
              {expiries.map(({ seconds, name }) => (
                <option key={seconds} value={seconds}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label htmlFor={`${id}-uses`}>
            <span className="mb-1 block font-medium">Works for</span>
            <select
              id={`${id}-uses`}
              className={fieldClass}
              value={maxUses}
              onChange={(event) => setMaxUses(Number(event.target.value))}
            >
              {uses.map((count) => (
                <option key={count} value={count}>
                  {plural(count, "person", "people")}
                </option>
              ))}
            </select>
          </label>
        </div>
        {invite.isError && <Refusal>{invite.error.message}</Refusal>}
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" look="primary" icon="link" disabled={invite.isPending}>
            {invite.isPending ? "Making it…" : "Create link"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
