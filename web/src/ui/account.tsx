/** The person who is signed in, as a menu: where else they are known, and the way out. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { api, type Me } from "~/api/cosession";
import { useWaysIn } from "~/api/me";
import { say } from "~/lib/toast";
import { Avatar } from "./avatar";
import { Menu, type MenuItem } from "./menu";

export function AccountMenu({ me }: { me: Me }) {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const slack = useWaysIn().data?.find((way) => way.provider === "slack");
  const identities = useQuery({
    queryKey: ["identities", me.user_id],
    enabled: slack !== undefined,
    queryFn: ({ signal }) => api.identities(signal),
  });
  const fail = (error: Error) => say(error.message);
  const signOut = useMutation({
    mutationFn: api.signOut,
    onSuccess: () => queries.setQueryData(["me"], null),
    onError: fail,
  });
  const disconnect = useMutation({
    mutationFn: () => api.disconnect("slack"),
    onSuccess: () => {
      say("Your Slack account is not connected any more: what you write in a thread stays in Slack.");
      return queries.invalidateQueries({ queryKey: ["identities"] });
    },
    onError: fail,
  });

  const items: MenuItem[] = [];
  if (slack && identities.data) {
    const isConnected = identities.data.items.some((one) => one.provider === "slack");
    items.push(
      isConnected
        ? { icon: "ban", label: "Disconnect Slack", onChoose: () => disconnect.mutate() }
        : { icon: "link", label: "Connect Slack", onChoose: () => location.assign(withNext(slack.path, location.pathname)) },
    );
  }
  items.push({ icon: "settings", label: "Settings", onChoose: () => navigate("/settings") });
  items.push({ icon: "leave", label: "Sign out", onChoose: () => signOut.mutate() });
  return (
    <Menu
      label={`${me.username}: your account`}
      items={items}
      face={<Avatar name={me.username} color={me.color} size={28} />}
      heading={
        <>
          <span className="text-ink block font-medium">{me.username}</span>
          {me.email}
        </>
      }
    />
  );
}

/** `path`, leading back to `next` afterwards where that is a page to come back to. */
export const withNext = (path: string, next: string): string =>
  /^\/s\/[a-z0-9_]+$/.test(next) ? `${path}?${new URLSearchParams({ next })}` : path;
