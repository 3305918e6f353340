/** The invites that are made out to whoever is signed in, wherever they were sent: accepted or declined here. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { api, type InviteLook } from "~/api/cosession";
import { useNow } from "~/lib/hooks";
import { Badge, Button, Refusal } from "~/ui/controls";
import { timeLeft } from "./time-left";

/** Nothing at all while there is none. */
export function Invitations() {
  const mine = useQuery({
    queryKey: ["my invites"],
    queryFn: ({ signal }) => api.myInvites(signal),
    refetchInterval: 15_000,
  });
  const items = mine.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section aria-labelledby="invitations" className="mb-6">
      <h2 id="invitations" className="mb-2 text-sm font-semibold">
        Invitations
      </h2>
      <ul className="bg-surface border-line rounded-card divide-line divide-y border">
        {items.map((invite) => (
          <Invitation key={invite.id} invite={invite} />
        ))}
      </ul>
    </section>
  );
}

function Invitation({ invite }: { invite: InviteLook }) {
  const now = useNow();
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const refresh = () => queries.invalidateQueries({ queryKey: ["my invites"] });
  const accept = useMutation({
    mutationFn: () => api.acceptInvite(invite.id, {}),
    onSuccess: ({ session_id, is_waiting }) => {
      void queries.invalidateQueries({ queryKey: ["sessions"] });
      navigate(is_waiting ? `/invite/${invite.id}` : `/s/${session_id}`);
    },
    onSettled: refresh,
  });
  const decline = useMutation({ mutationFn: () => api.declineInvite(invite.id), onSettled: refresh });
  const isBusy = accept.isPending || decline.isPending;
  const refusal = accept.error ?? decline.error;
  const isWaiting = invite.status === "waiting";
  return (
    <li className="px-4 py-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <span className="min-w-48 flex-1">
          <span className="flex items-center gap-2">
            <span className="truncate font-medium" title={invite.title}>
              {invite.title}
            </span>
            <Badge tone="info">{invite.role}</Badge>
          </span>
          <span className="text-ink-faint block text-xs">
            {invite.inviter} invites you · {isWaiting ? "a host has been asked" : timeLeft(invite.expires_at, now)}
          </span>
        </span>
        <Button
          size="sm"
          look="ghost"
          aria-label={`Decline ${invite.title}`}
          disabled={isBusy}
          onClick={() => decline.mutate()}
        >
          Decline
        </Button>
        <Button
          size="sm"
          look="primary"
          aria-label={`${isWaiting ? "Wait for" : "Accept"} ${invite.title}`}
          disabled={isBusy}
          onClick={() => accept.mutate()}
        >
          {isWaiting ? "At the door" : "Accept"}
        </Button>
      </div>
      {refusal && <Refusal className="mt-2">{refusal.message}</Refusal>}
    </li>
  );
}
