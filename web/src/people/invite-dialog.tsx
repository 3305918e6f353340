/** Invites people: for whom, as what, for how long, for how many; and the invites that are open already. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { api, type InviteLink, type InviteWish } from "~/api/cosession";
import { CopyButton } from "~/code/code-block";
import { moment, plural } from "~/lib/format";
import type { Role } from "~/session/protocol";
import { Button, Field, fieldClass, Refusal } from "~/ui/controls";
import { Dialog } from "~/ui/dialog";
import { doorKey } from "./door";
import { OpenInvites } from "./open-invites";
import { ranks, roles } from "./roles";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const expiries = [
  { seconds: 30 * MINUTE, name: "30 minutes" },
  { seconds: 2 * HOUR, name: "2 hours" },
  { seconds: DAY, name: "1 day" },
  { seconds: 7 * DAY, name: "7 days" },
  { seconds: 30 * DAY, name: "30 days" },
];
const uses = [1, 5, 25, 100];

interface Props {
  sessionId: string;
  myRole: Role;
  onClose: () => void;
}

export function InviteDialog({ sessionId, myRole, onClose }: Props) {
  const [made, setMade] = useState<{ link: InviteLink; email: string } | null>(null);
  return made ? (
    <Dialog title="Invite link" onClose={onClose}>
      <MadeLink {...made} />
      <div className="mt-5 flex justify-end gap-2">
        <Button look="ghost" onClick={() => setMade(null)}>
          Another invite
        </Button>
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  ) : (
    <Dialog title="Invite people" onClose={onClose}>
      <InviteForm sessionId={sessionId} myRole={myRole} onMade={setMade} onClose={onClose} />
      <section aria-labelledby="open-invites" className="border-line mt-5 border-t pt-4">
        <h3 id="open-invites" className="mb-1 text-sm font-medium">
          Open invites
        </h3>
        <OpenInvites sessionId={sessionId} myRole={myRole} />
      </section>
    </Dialog>
  );
}

function MadeLink({ link, email }: { link: InviteLink; email: string }) {
  return (
    <>
      <p className="text-ink-soft text-sm">
        {email ? (
          <>
            A mail is on its way to <strong className="text-ink">{email}</strong>. You may send this link as well: only they
            can come in by it,
          </>
        ) : (
          <>Whoever opens it first{link.max_uses > 1 ? ` (${plural(link.max_uses, "person", "people")})` : ""} can come in</>
        )}{" "}
        as <strong className="text-ink">{link.role}</strong>, until {moment(link.expires_at)}.
        {link.needs_approval && " They wait until a host admits them."} It is shown only now.
      </p>
      <div className="border-line-strong mt-3 flex items-center gap-1 rounded-control border pr-1">
        <input
          readOnly
          autoFocus
          value={link.url}
          aria-label="Invite link"
          onFocus={(event) => event.target.select()}
          className="h-9 min-w-0 flex-1 bg-transparent px-3 font-mono text-xs outline-none"
        />
        <CopyButton text={link.url} label="Copy link" />
      </div>
    </>
  );
}

interface FormProps extends Props {
  onMade: (made: { link: InviteLink; email: string }) => void;
}

function InviteForm({ sessionId, myRole, onMade, onClose }: FormProps) {
  const [role, setRole] = useState<Role>(myRole === "viewer" ? "viewer" : "editor");
  const [isForOne, setForOne] = useState(false);
  const [email, setEmail] = useState("");
  const [expiresIn, setExpiresIn] = useState(7 * DAY);
  const [maxUses, setMaxUses] = useState(1);
  const [needsApproval, setNeedsApproval] = useState(false);
  const queries = useQueryClient();
  const invite = useMutation({
    mutationFn: (wish: InviteWish) => api.invite(sessionId, wish),
    onSuccess: (link) => {
      void queries.invalidateQueries({ queryKey: doorKey(sessionId) });
      onMade({ link, email: isForOne ? email.trim() : "" });
    },
  });
  const id = useId();
  const wish: InviteWish = {
    role,
    expires_in: expiresIn,
    needs_approval: needsApproval,
    ...(isForOne ? { email: email.trim() } : { max_uses: maxUses }),
  };
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        invite.mutate(wish);
      }}
    >
      <fieldset>
        <legend className="mb-1 text-sm font-medium">Role</legend>
        <div className="border-line-strong/60 divide-line divide-y rounded-control border">
          {ranks.slice(0, ranks.indexOf(myRole) + 1).map((name) => (
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
      <fieldset>
        <legend className="mb-1 text-sm font-medium">For</legend>
        <div className="flex flex-wrap gap-x-5 gap-y-1 text-sm">
          {[false, true].map((one) => (
            <label key={String(one)} className="flex cursor-pointer items-center gap-2">
              <input
                type="radio"
                name="for"
                checked={isForOne === one}
                onChange={() => setForOne(one)}
                className="accent-accent"
              />
              {one ? "The holder of an address" : "Whoever has the link"}
            </label>
          ))}
        </div>
      </fieldset>
      {isForOne && (
        <Field
          label="E-mail address"
          type="email"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
          autoComplete="off"
          maxLength={320}
          autoFocus
          required
        />
      )}
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
        {!isForOne && (
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
        )}
      </div>
      <label className="flex cursor-pointer items-start gap-2.5 text-sm">
        <input
          type="checkbox"
          checked={needsApproval}
          onChange={(event) => setNeedsApproval(event.target.checked)}
          className="accent-accent mt-1"
        />
        <span>
          A host admits each person
          <span className="text-ink-soft block text-xs">They knock, and wait until a host lets them in.</span>
        </span>
      </label>
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
  );
}
