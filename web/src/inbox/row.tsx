/** One item of the inbox: who, what, where, and the way there. */
import type { MouseEvent } from "react";
import { ago, moment } from "~/lib/format";
import { useNow } from "~/lib/hooks";
import { Avatar } from "~/ui/avatar";
import { Icon, type IconName } from "~/ui/icon";
import { Menu, type MenuItem } from "~/ui/menu";
import { CHANNELS, type InboxItem, type Kind, useChangePreferences, useInboxDeeds, useMuteSession } from "./data";

export const kinds: Record<Kind, { icon: IconName; name: string; about: string }> = {
  mention: { icon: "comment", name: "Mentions", about: "Somebody calls you by name" },
  reply: { icon: "reply", name: "Replies", about: "Somebody answers where you wrote" },
  invite: { icon: "invite", name: "Invites", about: "Somebody asks you to join a session" },
  needs_me: { icon: "alert", name: "A session needs me", about: "You host it: somebody waits at the door, or the agent failed" },
  session_ended: { icon: "flag", name: "A session ended", about: "One that you take part in" },
};

interface Props {
  item: InboxItem;
  onOpen: (item: InboxItem) => void;
}

export function InboxRow({ item, onOpen }: Props) {
  const now = useNow(60_000);
  const person = item.people[0];
  const line = item.lines[0];
  const open = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    onOpen(item);
  };
  return (
    <li className="hover:bg-hover group relative flex items-start gap-1 pr-2">
      <a href={item.path} data-item onClick={open} className="flex min-w-0 flex-1 gap-3 py-3 pl-4 outline-offset-[-3px]">
        <span className="relative mt-0.5 shrink-0">
          {person ? (
            <Avatar name={person.username} color={person.color} size={30} />
          ) : (
            <span className="bg-sunken text-ink-soft grid size-[30px] place-items-center rounded-full">
              <Icon name={kinds[item.kind].icon} size={15} />
            </span>
          )}
          {!item.is_read && (
            <span className="bg-accent ring-raised absolute -top-0.5 -right-0.5 size-2.5 rounded-full ring-2">
              <span className="sr-only">Unread</span>
            </span>
          )}
        </span>
        <span className="min-w-0 flex-1">
          <span className={`block text-sm break-words ${item.is_read ? "text-ink-soft" : "font-semibold"}`}>{item.heading}</span>
          <span className="text-ink-faint flex gap-1.5 text-xs">
            <span className="truncate">{item.session_title}</span>
            <span aria-hidden="true">·</span>
            <time dateTime={item.updated_at} title={moment(item.updated_at)} className="shrink-0 tabular-nums">
              {ago(item.updated_at, now)}
            </time>
          </span>
          {line?.where && <span className="text-ink-soft mt-1 block truncate font-mono text-2xs">{line.where}</span>}
          {line?.text && <span className="text-ink-soft mt-1 line-clamp-2 text-sm break-words">{line.text}</span>}
        </span>
      </a>
      <span className="pt-2.5">
        <RowMenu item={item} />
      </span>
    </li>
  );
}

function RowMenu({ item }: { item: InboxItem }) {
  const { read } = useInboxDeeds();
  const mute = useMuteSession();
  const change = useChangePreferences();
  const items: MenuItem[] = [];
  if (!item.is_read) items.push({ icon: "check", label: "Mark as read", onChoose: () => read.mutate([item.id]) });
  if (item.kind !== "invite") {
    items.push({
      icon: "ban",
      label: "Mute this session",
      onChoose: () => mute.mutate({ id: item.session_id, isMuted: true }),
    });
  }
  items.push({
    icon: "ban",
    label: `Mute: ${kinds[item.kind].name.toLowerCase()}`,
    onChoose: () =>
      change({
        cells: CHANNELS.map((channel) => ({ kind: item.kind, channel, is_on: false })),
      }),
  });
  return <Menu label={`More about: ${item.heading}`} items={items} />;
}
